import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// dnf's form of a repository (dnf.conf(5)): one section of /etc/yum.repos.d/NAME.repo.
extension SourcesFile {
    /// Makes the file as declared, with the key at that path.
    init(repo declaration: PackageRepositoryDeclaration, keyPath: String?) {
        var fields: [String: [String]] = [
            "name": [declaration.name], "baseurl": declaration.uris,
            "enabled": [declaration.isEnabled ? "1" : "0"],
            "gpgcheck": [declaration.trusted == true ? "0" : "1"],
        ]
        fields["gpgkey"] = keyPath.map { ["file://\($0)"] }
        for (name, value) in declaration.options {
            fields[name] = value.split(separator: " ").map(String.init)
        }
        self.init(fields: fields)
    }

    /// Reads the file; nil where it does not consist of one section of that name.
    init?(repo text: String, name: String) {
        let file = IniFile(text)
        guard file.sections.count == 1, let section = file.sections.first, section.name == name
        else { return nil }
        var fields: [String: [String]] = [:]
        for (key, value) in section.settings {
            // Addresses may also be separated by commas.
            let isList = key == "baseurl" || key == "gpgkey"
            fields[key] = value.split { $0.isWhitespace || isList && $0 == "," }.map(String.init)
        }
        // dnf's defaults.
        fields["enabled", default: ["1"]] = [Self.bool(fields["enabled"]) ?? "1"]
        if let check = Self.bool(fields["gpgcheck"]) { fields["gpgcheck"] = [check] }
        self.init(fields: fields)
    }

    private static func bool(_ words: [String]?) -> String? {
        guard let word = words?.first?.lowercased() else { return nil }
        if ["1", "yes", "true", "on"].contains(word) { return "1" }
        return ["0", "no", "false", "off"].contains(word) ? "0" : word
    }

    /// The text of the file.
    func repo(_ name: String) -> String {
        let first = ["name", "baseurl", "enabled", "gpgcheck", "gpgkey"]
        let others = fields.keys.filter { !first.contains($0) }.sorted()
        return "[\(name)]\n"
            + (first + others).compactMap { key in
                fields[key].map { "\(key)=\($0.joined(separator: " "))\n" }
            }.joined()
    }
}

/// Where dnf caches the metadata of repositories.
enum DnfCache {
    /// The cache directories of dnf 4 and of dnf 5.
    private static let folders = ["/var/cache/dnf", "/var/cache/libdnf5"]

    /// The first address of a repository whose metadata is not cached; empty where it is.
    static func missing(
        _ declaration: PackageRepositoryDeclaration, on machine: any Machine
    ) throws(AgentFault) -> [String] {
        guard let address = declaration.uris.first else { return [] }
        // libdnf names the directory after the first address, with its variables replaced.
        let mark = Digest(of: Array(address.utf8)).description.prefix(16)
        let isPlain = !address.utf8.contains(36)
        for folder in folders {
            let names = try attempt("list \(folder)") { () throws(SystemError) in
                try machine.listIfPresent(folder)
            }
            for name in names
            where isPlain
                ? name == "\(declaration.name)-\(mark)" : name.hasPrefix("\(declaration.name)-")
            {
                let isThere = try attempt("look into \(folder)/\(name)") {
                    () throws(SystemError) in
                    try machine.statusIfPresent("\(folder)/\(name)/repodata/repomd.xml") != nil
                }
                if isThere { return [] }
            }
        }
        return [address]
    }
}
