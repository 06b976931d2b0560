import FleetModel

extension Claim {
    /// The directories above a path, the nearest first, without `/`.
    package static func directories(above path: String) -> [Claim] {
        var claims: [Claim] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/"), slash > rest.startIndex {
            rest = rest[..<slash]
            claims.append(.path(String(rest)))
        }
        return claims
    }

    /// The entries of a directory that are claimed or contain something claimed, by name.
    package static func names(
        in directory: String, of claims: some Sequence<Claim>
    ) -> [String] {
        let prefix = directory == "/" ? "/" : directory + "/"
        var names: Set<String> = []
        for claim in claims {
            let path: String
            switch claim {
            case .path(let claimed), .linePattern(let claimed, _): path = claimed
            default: continue
            }
            guard path.hasPrefix(prefix) else { continue }
            if let name = path.dropFirst(prefix.count).split(separator: "/").first {
                names.insert(String(name))
            }
        }
        return names.sorted()
    }

    /// The user and group that an owner and a group attribute name; a numeric id claims nothing.
    package static func ownership(owner: String?, group: String?) -> [Claim] {
        func isName(_ text: String) -> Bool { Int(text) == nil }
        return (owner.map { isName($0) ? [.user($0)] : [] } ?? [])
            + (group.map { isName($0) ? [.group($0)] : [] } ?? [])
    }
}

/// The owner and mode attributes that several kinds share.
enum PathAttributes {
    static let mode = AttributeSchema(
        "mode", .mode,
        "Permission bits as quoted octal. Not managed if not given; a new file then gets 0644, "
            + "a new directory 0755.")
    static let owner = AttributeSchema(
        "owner", .string,
        "The owning user, by name or id. Not managed if not given; new files then get root.")
    static let ownerGroup = AttributeSchema(
        "owner_group", .string,
        "The owning group, by name or id. Not managed if not given; new files then get root.")

    /// Reads an attribute that names a user or group, by name or id.
    static func account(
        _ name: String, of reader: AttributeReader
    ) throws(AttributeFault) -> String? {
        guard let text = try reader.optionalString(name) else { return nil }
        let isSound =
            !text.isEmpty && text.utf8.count <= 256 && !text.hasPrefix("-")
            && !text.contains { $0.isWhitespace || $0 == ":" || $0 == "/" || $0 == "," }
        guard isSound else {
            throw AttributeFault(name, "\(ScalarText.shown(text)) is not a user or group name")
        }
        return text
    }
}
