import FleetModel
import Wire

/// A declared `package_repository`: a source of packages for apt or dnf, and its signing key.
package struct PackageRepositoryDeclaration: ResourceDeclaration {
    package enum Format: String, Sendable {
        /// A stanza in `NAME.sources`.
        case deb822
        /// Lines in `NAME.list`, for an apt older than 1.1.
        case list
        /// One section in `NAME.repo`, for dnf.
        case repo
    }

    package static let schema = KindSchema(
        .packageRepository,
        "A package repository for apt or dnf, and its signing key.",
        traits: KindTraits(
            changes: .anything, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary:
            "The name of its file in /etc/apt/sources.list.d or /etc/yum.repos.d, without"
            + " extension.",
        attributes: [
            AttributeSchema("uris", .list(.string), "The addresses: `https://…`, `file:/…`."),
            AttributeSchema(
                "suites", .list(.string),
                "The suites: `bookworm`; or a path that ends in `/` for a flat repository. Not"
                    + " for dnf."
            ),
            AttributeSchema("components", .list(.string), "The components: `main`. Not for dnf."),
            AttributeSchema(
                "types", .list(.oneOf(["deb", "deb-src"])), default: ["deb"],
                "Binary packages, sources, or both."),
            AttributeSchema(
                "architectures", .list(.string), "The architectures. Default: the host's."),
            AttributeSchema(
                "signed_by", .path, "The path of a keyring on the host with the signing key."),
            AttributeSchema(
                "content", .string, resolvedByController: true,
                "The signing key, ASCII-armoured."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A file of the role with the signing key, armoured or binary."),
            AttributeSchema(
                "enabled", .boolean, default: true, "Whether apt or dnf uses it."),
            AttributeSchema(
                "trusted", .boolean,
                "Overrides the signature check. `true` accepts packages without a valid"
                    + " signature: use it"
                    + " only for a repository on the host itself."),
            AttributeSchema(
                "options", .map(.string),
                "Further fields: of sources.list(5), `Check-Valid-Until`; or of dnf.conf(5),"
                    + " `priority`."
            ),
            AttributeSchema(
                "format", .oneOf(["deb822", "list", "repo"]), default: "deb822",
                "A stanza in NAME.sources, lines in NAME.list, or a section in dnf's NAME.repo."),
        ],
        notes: [
            "A key given here is written to /etc/apt/keyrings/NAME.asc (or .gpg) and referenced by"
                + " `Signed-By`, so that it is trusted only for this repository.",
            "With `format: repo`, the key is written to /etc/pki/rpm-gpg/RPM-GPG-KEY-NAME and"
                + " must be"
                + " armoured. rpm imports it at the first installation from the repository; after"
                + " that it is"
                + " trusted for every repository.",
            "The lists of a changed repository are fetched at once, and only those; a failed"
                + " fetch is a"
                + " failure, even if apt or dnf would continue with older lists. Missing lists"
                + " are a"
                + " difference.",
            "A file with the same name in apt's other format is removed, so that apt reads the"
                + " repository"
                + " only once.",
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
    /// A keyring that already exists on the host.
    package let keyring: String?
    /// A key to be written to the host.
    package let key: ResolvedContent?
    package let isEnabled: Bool
    package let trusted: Bool?
    package let options: [String: String]
    package let format: Format

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        // apt ignores files in sources.list.d whose names have other characters.
        guard !name.isEmpty, !name.hasPrefix("."),
            name.utf8.allSatisfy({
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                    || Array("-_.".utf8).contains($0)
            })
        else {
            throw AttributeFault(
                nil, "\"\(name)\" is not a file name that apt reads",
                hint: "use only letters, digits, -, _ and .")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isAbsent = try reader.state(of: Self.schema) == "absent"
        guard let format = Format(rawValue: try reader.optionalString("format") ?? "deb822") else {
            throw AttributeFault("format", "format must be deb822, list or repo")
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
                ["suites", "components", "architectures"], because: "for a dnf repository")
            guard types == ["deb"] else {
                throw AttributeFault("types", "types has no meaning for a dnf repository")
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
                    "options", "the option \(field) has its own attribute")
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
                "suites",
                "\(flat[0]) is a flat repository, without components or other suites")
        }
        if format != .repo, flat.isEmpty, components.isEmpty {
            throw AttributeFault(
                "components", "package_repository \(name) has no components",
                hint: "give components: [main], or a suite that ends in / for a flat repository")
        }
        if keyring != nil, key != nil {
            throw AttributeFault(
                "signed_by", "signed_by and a key are both given", hint: "give one of them")
        }
    }

    /// The directory of the repository's file.
    package var folder: String { format == .repo ? "/etc/yum.repos.d" : "/etc/apt/sources.list.d" }

    /// The file that apt or dnf reads.
    package var path: String { "\(folder)/\(name).\(fileExtension(of: format))" }

    /// The path of the same repository in apt's other format, which must not exist.
    package var otherPath: String? {
        switch format {
        case .repo: nil
        case .list: "\(folder)/\(name).\(fileExtension(of: .deb822))"
        case .deb822: "\(folder)/\(name).\(fileExtension(of: .list))"
        }
    }

    /// The directory for a key of the role.
    package var keyFolder: String { format == .repo ? "/etc/pki/rpm-gpg" : "/etc/apt/keyrings" }

    /// The paths that a key may have.
    ///
    /// apt distinguishes armoured and binary keys only by the extension; rpm accepts only armoured
    /// ones.
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
