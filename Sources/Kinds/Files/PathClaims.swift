import FleetModel

extension Claim {
    /// What a path lies in, the nearest directory first, without the root.
    package static func directories(above path: String) -> [Claim] {
        var claims: [Claim] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/"), slash > rest.startIndex {
            rest = rest[..<slash]
            claims.append(.path(String(rest)))
        }
        return claims
    }

    /// The names in a directory at or below which one of the claims lies.
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

    /// The user and group that an owner and a group attribute name; numbers need nobody.
    package static func ownership(owner: String?, group: String?) -> [Claim] {
        func isName(_ text: String) -> Bool { Int(text) == nil }
        return (owner.map { isName($0) ? [.user($0)] : [] } ?? [])
            + (group.map { isName($0) ? [.group($0)] : [] } ?? [])
    }
}

/// The attributes of owner and mode that paths share.
enum PathAttributes {
    static let mode = AttributeSchema(
        "mode", .mode,
        "Permission bits as quoted octal. Unmanaged where it is not given; a new file gets 0644, "
            + "a new directory 0755.")
    static let owner = AttributeSchema(
        "owner", .string,
        "The owning user, by name or number. Unmanaged where it is not given; new: root.")
    static let ownerGroup = AttributeSchema(
        "owner_group", .string,
        "The owning group, by name or number. Unmanaged where it is not given; new: root.")

    /// An owner or group as the account files write it.
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
