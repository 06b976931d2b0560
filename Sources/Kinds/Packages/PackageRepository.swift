import FleetModel
import Wire

/// A declared `package_repository`: where apt or dnf takes packages from, and by which key.
package struct PackageRepositoryDeclaration: ResourceDeclaration {
    package enum Format: String, Sendable {
        /// One stanza in `NAME.sources`.
        case deb822
        /// Lines in `NAME.list`, for an apt older than 1.1.
        case list
        /// One section in `NAME.repo`, for dnf.
        case repo
    }

    package static let schema = KindSchema(
        .packageRepository,
        "A repository that apt or dnf takes packages from, and the key that signs it.",
        traits: KindTraits(
            changes: .anything, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary:
            "The name of its file in /etc/apt/sources.list.d or /etc/yum.repos.d, without an extension.",
        attributes: [
            AttributeSchema("uris", .list(.string), "Where it is: `https://…`, `file:/…`."),
            AttributeSchema(
                "suites", .list(.string),
                "The suites: `bookworm`; or one path that ends in `/`, of a flat repository. dnf has none."
            ),
            AttributeSchema("components", .list(.string), "The components: `main`. dnf has none."),
            AttributeSchema(
                "types", .list(.oneOf(["deb", "deb-src"])), default: ["deb"],
                "Binary packages, sources, or both."),
            AttributeSchema(
                "architectures", .list(.string), "Only these architectures. Not given: the host's."),
            AttributeSchema(
                "signed_by", .path, "A keyring on the host that must sign it."),
            AttributeSchema(
                "content", .string, resolvedByController: true,
                "The key that must sign it, ASCII-armoured."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A file of the role that holds the key, armoured or binary."),
            AttributeSchema(
                "enabled", .boolean, default: true, "Whether apt or dnf uses it."),
            AttributeSchema(
                "trusted", .boolean,
                "Overrides the signature check. `true` takes packages from anyone who can answer for the"
                    + " address: only for a repository on the host itself."),
            AttributeSchema(
                "options", .map(.string),
                "Further fields of sources.list(5), `Check-Valid-Until`; or of dnf.conf(5), `priority`."
            ),
            AttributeSchema(
                "format", .oneOf(["deb822", "list", "repo"]), default: "deb822",
                "One stanza in NAME.sources, lines in NAME.list, or a section in dnf's NAME.repo."),
        ],
        notes: [
            "A key given here is put at /etc/apt/keyrings/NAME.asc (or .gpg) and named by `Signed-By`:"
                + " it vouches for this repository alone.",
            "With `format: repo` the key is at /etc/pki/rpm-gpg/RPM-GPG-KEY-NAME, armoured; rpm takes it in"
                + " when it first installs from there, and then it vouches for every repository.",
            "A repository that changed is fetched at once, alone; a fetch that fails is a failure, also"
                + " where apt or dnf would go on with older lists. Lists that are not there are a difference.",
            "A file of the other format under the same name is removed, so that apt sees it once.",
        ],
        example: """
            - package_repository: vendor
              uris: ["https://packages.example.com/debian"]
              suites: [bookworm]
              components: [main]
              signed_by: /usr/share/keyrings/vendor.gpg
            """)

    package let name: String
    package let isAbsent: Bool
    package let uris: [String]
    package let suites: [String]
    package let components: [String]
    package let types: [String]
    package let architectures: [String]
    /// A keyring that is on the host already.
    package let keyring: String?
    /// A key to put on the host.
    package let key: ResolvedContent?
    package let isEnabled: Bool
    package let trusted: Bool?
    package let options: [String: String]
    package let format: Format

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        // apt ignores files of sources.list.d with any other character.
        guard !name.isEmpty, !name.hasPrefix("."),
            name.utf8.allSatisfy({
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                    || Array("-_.".utf8).contains($0)
            })
        else {
            throw AttributeFault(
                nil, "\"\(name)\" is not a name that apt reads",
                hint: "letters, digits, - _ and . only")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isAbsent = try reader.state(of: Self.schema) == "absent"
        guard let format = Format(rawValue: try reader.optionalString("format") ?? "deb822") else {
            throw AttributeFault("format", "the format is deb822, list or repo")
        }
        self.format = format
        uris = try reader.optionalStrings("uris") ?? []
        suites = try reader.optionalStrings("suites") ?? []
        components = try reader.optionalStrings("components") ?? []
        types = try reader.optionalStrings("types") ?? ["deb"]
        architectures = try reader.optionalStrings("architectures") ?? []
        keyring = try reader.optionalString("signed_by")
        key = try ResolvedContent(reader)
        isEnabled = try reader.bool("enabled", default: true)
        trusted = try reader.optionalBool("trusted")
        options = try Self.options(attributes["options"], format)
        if format == .repo {
            try reader.refuse(
                ["suites", "components", "architectures"], because: "in a repository of dnf")
            guard types == ["deb"] else {
                throw AttributeFault("types", "types has no meaning in a repository of dnf")
            }
        }
        if !isAbsent { try checkPresent() }
    }

    private static func options(
        _ json: JSON?, _ format: Format
    ) throws(AttributeFault) -> [String: String] {
        guard let json, json != .null else { return [:] }
        guard let members = json.object else {
            throw AttributeFault("options", "options is not a map")
        }
        var options: [String: String] = [:]
        let own: Set =
            format == .repo
            ? ["baseurl", "enabled", "gpgcheck", "gpgkey"]
            : [
                "types", "uris", "suites", "components", "architectures", "signed-by", "enabled",
                "trusted",
            ]
        for (field, value) in members.sorted(by: { $0.key < $1.key }) {
            guard !field.isEmpty,
                field.utf8.allSatisfy({
                    (65...90).contains($0) || (97...122).contains($0)
                        || $0 == (format == .repo ? 95 : 45)
                })
            else {
                let file = format == .repo ? "dnf.conf" : "sources.list"
                throw AttributeFault("options", "\"\(field)\" is not a field of \(file)")
            }
            if own.contains(field.lowercased()) {
                throw AttributeFault(
                    "options", "the option \(field) has an attribute of its own")
            }
            guard let text = value.string, !text.utf8.contains(10) else {
                throw AttributeFault("options", "the option \(field) is not one line of text")
            }
            options[field] = text
        }
        return options
    }

    private func checkPresent() throws(AttributeFault) {
        if uris.isEmpty { throw AttributeFault("uris", "package_repository \(name) has no uris") }
        if format != .repo, suites.isEmpty {
            throw AttributeFault("suites", "package_repository \(name) has no suites")
        }
        if types.isEmpty { throw AttributeFault("types", "types is empty") }
        for (attribute, words) in [
            ("uris", uris), ("suites", suites), ("components", components),
            ("architectures", architectures),
        ] {
            for word in words where word.isEmpty || word.utf8.contains(where: { $0 <= 32 }) {
                throw AttributeFault(attribute, "\"\(word)\" in \(attribute) is not one word")
            }
        }
        for uri in uris where !uri.contains(":") {
            throw AttributeFault(
                "uris", "\"\(uri)\" is not a URI", hint: "https://…, http://…, file:/… or copy:/…")
        }
        let flat = suites.filter { $0.hasSuffix("/") }
        if !flat.isEmpty, flat.count != suites.count || !components.isEmpty {
            throw AttributeFault(
                "suites", "the suite \(flat[0]) is of a flat repository, which has no components")
        }
        if format != .repo, flat.isEmpty, components.isEmpty {
            throw AttributeFault(
                "components", "package_repository \(name) has no components",
                hint: "main, or a suite that ends in / for a flat repository")
        }
        if keyring != nil, key != nil {
            throw AttributeFault(
                "signed_by", "signed_by and a key of the role are both given", hint: "give one")
        }
    }

    /// The folder of its file.
    package var folder: String { format == .repo ? "/etc/yum.repos.d" : "/etc/apt/sources.list.d" }

    /// The file that apt or dnf reads.
    package var path: String { "\(folder)/\(name).\(fileExtension(of: format))" }

    /// The same repository in apt's other format: there must be none.
    package var otherPath: String? {
        switch format {
        case .repo: nil
        case .list: "\(folder)/\(name).\(fileExtension(of: .deb822))"
        case .deb822: "\(folder)/\(name).\(fileExtension(of: .list))"
        }
    }

    /// Where a key of the role is put.
    package var keyFolder: String { format == .repo ? "/etc/pki/rpm-gpg" : "/etc/apt/keyrings" }

    /// The paths a key may have.
    ///
    /// apt tells armoured and binary ones apart by the extension alone; rpm
    /// takes armoured ones only.
    package var keyPaths: [String] {
        format == .repo
            ? [keyPath(armoured: true)] : [true, false].map { keyPath(armoured: $0) }
    }

    /// The key's path, armoured or binary.
    package func keyPath(armoured: Bool) -> String {
        format == .repo
            ? "\(keyFolder)/RPM-GPG-KEY-\(name)"
            : "\(keyFolder)/\(name).\(armoured ? "asc" : "gpg")"
    }

    private func fileExtension(of format: Format) -> String {
        switch format {
        case .deb822: "sources"
        case .list: "list"
        case .repo: "repo"
        }
    }

    package var owns: [Claim] {
        [.packageRepository(name), .path(path)] + (otherPath.map { [.path($0)] } ?? [])
            + (key == nil ? [] : keyPaths.map { .path($0) })
    }

    package var provides: [Claim] { [.packageSources] }

    package var needs: [Claim] {
        (keyring.map { [.path($0)] } ?? []) + [.path(keyFolder)]
            + Claim.directories(above: path)
    }
}
