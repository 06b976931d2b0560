import Kinds
import Linux

/// The file of a repository of apt or dnf, made from a declaration or read.
struct SourcesFile {
    /// The fields by their names in deb822 files, each a list of words.
    ///
    /// The one-line format has the same fields, in the only form of lines that muster writes.
    let fields: [String: [String]]

    init(fields: [String: [String]]) { self.fields = fields.filter { !$0.value.isEmpty } }

    /// Makes the file as declared, with the key at that path.
    init(_ declaration: PackageRepositoryDeclaration, keyPath: String?) {
        if declaration.format == .repo {
            self.init(repo: declaration, keyPath: keyPath)
            return
        }
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
        self.init(fields: fields)
    }

    /// Reads a deb822 file; nil where it does not have exactly one stanza.
    init?(deb822 text: String) {
        var fields: [String: [String]] = [:]
        var name: String?
        var isOver = false
        for line in text.lines {
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
        // apt's default.
        if fields["Enabled"]?.first?.lowercased() == "yes" { fields["Enabled"] = nil }
        self.init(fields: fields)
    }

    /// The usual spelling of a field name: names are compared without regard to case.
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

    /// The whole text, in the format declared.
    func text(_ declaration: PackageRepositoryDeclaration) -> String {
        switch declaration.format {
        case .deb822: deb822
        case .list: lines.map { $0 + "\n" }.joined()
        case .repo: repo(declaration.name)
        }
    }

    /// Whether two files say the same: the order of words does not matter.
    func isSame(as other: SourcesFile) -> Bool {
        fields.mapValues(Set.init) == other.fields.mapValues(Set.init)
    }
}
