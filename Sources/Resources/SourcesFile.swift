import Kinds

/// The file of a repository in /etc/apt/sources.list.d: made from a declaration, or read.
struct SourcesFile {
    /// The fields by their names in deb822 files, each a list of words.
    ///
    /// In the one-line format the same fields, of the only form of lines that we write.
    let fields: [String: [String]]

    /// As declared, with the key at that path.
    init(_ declaration: PackageRepositoryDeclaration, keyPath: String?) {
        var fields: [String: [String]] = [
            "Types": declaration.types, "URIs": declaration.uris, "Suites": declaration.suites,
            "Components": declaration.components, "Architectures": declaration.architectures,
        ]
        fields["Signed-By"] = keyPath.map { [$0] }
        if !declaration.isEnabled { fields["Enabled"] = ["no"] }
        fields["Trusted"] = declaration.trusted.map { [$0 ? "yes" : "no"] }
        for (name, value) in declaration.options {
            fields[name] = value.split(separator: " ").map(String.init)
        }
        self.fields = fields.filter { !$0.value.isEmpty }
    }

    /// As a deb822 file has it: nil where it has not exactly one stanza.
    init?(deb822 text: String) {
        var fields: [String: [String]] = [:]
        var name: String?
        var isOver = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") { continue }
            if line.allSatisfy(\.isWhitespace) {
                isOver = isOver || !fields.isEmpty
                continue
            }
            if isOver { return nil }
            var value = line
            if let first = line.first, !first.isWhitespace {
                guard let colon = line.firstIndex(of: ":") else { return nil }
                name = Self.usualName(String(line[..<colon]))
                value = line[line.index(after: colon)...]
            }
            guard let name else { return nil }
            fields[name, default: []] += value.split(whereSeparator: \.isWhitespace).map(
                String.init)
        }
        if fields.isEmpty { return nil }
        // What apt takes for granted.
        if fields["Enabled"]?.first?.lowercased() == "yes" { fields["Enabled"] = nil }
        self.fields = fields.filter { !$0.value.isEmpty }
    }

    /// Field names are compared without regard to case.
    private static func usualName(_ name: String) -> String {
        let usual = [
            "Types", "URIs", "Suites", "Components", "Architectures", "Signed-By", "Enabled",
            "Trusted",
        ]
        return usual.first { $0.lowercased() == name.lowercased() } ?? name
    }

    private static let order = [
        "Types", "URIs", "Suites", "Components", "Architectures", "Enabled", "Trusted", "Signed-By",
    ]

    /// The text of a deb822 file.
    var deb822: String {
        let others = fields.keys.filter { !Self.order.contains($0) }.sorted()
        return (Self.order + others).compactMap { name in
            fields[name].map { "\(name): \($0.joined(separator: " "))\n" }
        }.joined()
    }

    /// The lines of a file in the one-line format.
    var lines: [String] {
        let others = fields.keys.filter { !Self.order.contains($0) }.sorted()
        let options = (["Architectures", "Trusted", "Signed-By"] + others).compactMap { name in
            fields[name].map { "\(Self.optionName(name))=\($0.joined(separator: ","))" }
        }
        let prefix = fields["Enabled"] == ["no"] ? "# " : ""
        let rest = (fields["Components"] ?? []).map { " \($0)" }.joined()
        let bracket = options.isEmpty ? "" : "[\(options.joined(separator: " "))] "
        return (fields["Types"] ?? []).flatMap { type in
            (fields["URIs"] ?? []).flatMap { uri in
                (fields["Suites"] ?? []).map { suite in
                    "\(prefix)\(type) \(bracket)\(uri) \(suite)\(rest)"
                }
            }
        }
    }

    private static func optionName(_ field: String) -> String {
        switch field {
        case "Architectures": "arch"
        case "Languages": "lang"
        case "Targets": "target"
        default: field.lowercased()
        }
    }

    /// Whether two files say the same: the order of words does not matter.
    func isSame(as other: SourcesFile) -> Bool {
        fields.mapValues(Set.init) == other.fields.mapValues(Set.init)
    }
}

/// Where apt keeps the package lists it has fetched.
enum PackageLists {
    static let directory = "/var/lib/apt/lists"

    /// The pairs of address and suite of which no list is there.
    static func missing(
        _ declaration: PackageRepositoryDeclaration, among files: [String]
    ) -> [String] {
        declaration.uris.flatMap { uri in
            declaration.suites.compactMap { suite in
                guard let prefix = prefix(uri, suite) else { return nil }
                return files.contains { $0.hasPrefix(prefix) } ? nil : "\(uri) \(suite)"
            }
        }
    }

    /// How the names of its lists begin; nil for addresses apt makes other names of.
    ///
    /// The scheme goes, some characters are quoted, slashes become underscores.
    static func prefix(_ uri: String, _ suite: String) -> String? {
        guard let colon = uri.firstIndex(of: ":"), !uri.contains("$("), !suite.contains("$("),
            ["http", "https", "file", "copy", "ftp"].contains(String(uri[..<colon]))
        else { return nil }
        var rest = uri[uri.index(after: colon)...]
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            // Whoever logs in there is not part of the name.
            let host = rest.prefix { $0 != "/" }
            if let at = host.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        }
        let base = rest.hasSuffix("/") ? String(rest) : rest + "/"
        let path = suite.hasSuffix("/") ? base + suite : "\(base)dists/\(suite)/"
        let quoted = Array("\\|{}[]<>\"^~_=!@#$%^&*".utf8)
        let digits = Array("0123456789abcdef".utf8)
        var name: [UInt8] = []
        for byte in path.utf8 {
            if byte == 47 {
                name.append(95)
            } else if byte <= 32 || byte >= 127 || quoted.contains(byte) {
                name += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                name.append(byte)
            }
        }
        return String(decoding: name, as: UTF8.self)
    }
}
