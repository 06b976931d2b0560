import Diagnostics
import Linux
import YAML

/// Reads inventory sources one after the other into one builder.
struct SourceReader {
    private let files: InventoryFiles
    private let options: InventoryOptions
    var builder = InventoryBuilder()
    /// The directories of group_vars and host_vars, in the order of the sources.
    private(set) var variableDirectories: [String] = []

    init(files: InventoryFiles, options: InventoryOptions) {
        self.files = files
        self.options = options
    }

    /// Reads one source as given on the command line.
    mutating func read(_ source: String) {
        guard let status = files.status(source) else {
            if source.contains(",") {
                readHostList(source)
            } else {
                builder.bag.add(
                    Diagnostic(
                        "no-inventory", "there is no inventory \(source)",
                        hint: "check the path; a list of hosts ends with a comma: \"\(source),\""))
            }
            return
        }
        if status.type == .directory {
            variableDirectories.append(source)
            readFolder(source)
        } else {
            variableDirectories.append(PathName.relativeParent(of: source))
            readFile(source, status)
        }
    }

    /// `host1,host2,` instead of a path.
    private mutating func readHostList(_ list: String) {
        let source = SourceText(name: "-i", text: list)
        var column = 1
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(part).trimmingSpaces()
            let place = Place(source: source, line: 1, column: column, length: part.count)
            column += part.count + 1
            if name.isEmpty { continue }
            // A list of hosts has no ranges.
            let address = HostAddress(name).flatMap { $0.host.contains("[") ? nil : $0 }
            let host = builder.host(address?.host ?? name, port: address?.port, at: place)
            builder.put(host: host, in: InventoryBuilder.ungrouped)
        }
    }

    private static let ignoredNames: Set = ["host_vars", "group_vars", "vars_plugins"]
    private static let ignoredEndings = [
        ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg",
        ".retry",
    ]

    /// Whether an entry of a folder is not a source: hidden, a backup, a document, variables.
    static func isIgnored(_ name: String) -> Bool {
        name.hasPrefix(".") || ignoredNames.contains(name)
            || ignoredEndings.contains(where: name.hasSuffix)
    }

    /// All sources of a folder and the folders in it, in the order of their names.
    private mutating func readFolder(_ folder: String) {
        for name in files.list(folder, &builder.bag) where !Self.isIgnored(name) {
            let path = PathName.join(folder, name)
            guard let status = files.status(path) else { continue }
            if status.type == .directory {
                readFolder(path)
            } else {
                readFile(path, status)
            }
        }
    }

    private mutating func readFile(_ path: String, _ status: FileStatus) {
        guard let bytes = files.bytes(path, &builder.bag) else { return }
        if status.mode & 0o111 != 0, InventoryScript.isProgram(bytes) {
            InventoryScript(path: path, files: files, options: options).read(into: &builder)
            return
        }
        let source: SourceText
        do {
            source = try SourceText(name: path, bytes: bytes)
        } catch {
            builder.bag.add(error)
            return
        }
        if source.text.hasPrefix("$ANSIBLE_VAULT;") {
            builder.bag.add(
                Diagnostic(
                    "vault-file", "the inventory \(path) is encrypted",
                    cause: "muster cannot open Ansible's vault",
                    hint: "decrypt it: ansible-vault decrypt \(path)"))
            return
        }
        switch Self.ending(of: path) {
        case ".yaml", ".yml": readYAML(source)
        case ".json": readJSON(source)
        case ".toml":
            builder.bag.add(
                Diagnostic(
                    "inventory-form", "\(path) is TOML, which muster does not read",
                    hint: "convert it: ansible-inventory -i \(path) --list --yaml"))
        case "": readUnknown(source)
        default: INISource.read(source, into: &builder)
        }
    }

    private mutating func readYAML(_ source: SourceText) {
        do {
            if let document = try YAMLReader.parseVariables(source) {
                YAMLSource.read(document, into: &builder)
            }
        } catch {
            builder.bag.add(error)
        }
    }

    /// Reads JSON: either the YAML form written as JSON, or the form that `ansible-inventory
    /// --list` and executables print.
    private mutating func readJSON(_ source: SourceText) {
        do {
            let document = try YAMLReader.parseJSON(source)
            if document.entry("_meta") != nil {
                ScriptSource.read(document, named: source.name, into: &builder) { _, _ in [] }
            } else {
                YAMLSource.read(document, into: &builder)
            }
        } catch {
            builder.bag.add(error)
        }
    }

    /// Reads a file whose name does not tell its form: YAML if it is a map in YAML, otherwise INI.
    private mutating func readUnknown(_ source: SourceText) {
        let faults: Faults
        do {
            guard let document = try YAMLReader.parseVariables(source) else { return }
            if document.map != nil {
                YAMLSource.read(document, into: &builder)
                return
            }
            faults = Faults([])
        } catch {
            faults = error
        }
        if Self.looksLikeYAML(source.text), !faults.all.isEmpty {
            builder.bag.add(faults)
        } else {
            INISource.read(source, into: &builder)
        }
    }

    /// Whether the first line with content can only be YAML.
    private static func looksLikeYAML(_ text: String) -> Bool {
        for line in text.split(whereSeparator: \.isNewline) {
            let line = String(line).trimmingSpaces()
            if line.isEmpty || line.hasPrefix("#") { continue }
            return line == "---" || line.hasSuffix(":") || line.contains(": ")
        }
        return false
    }

    /// The part of the last component from its last dot on; empty if it has no dot.
    private static func ending(of path: String) -> String {
        let name = PathName.last(of: path)
        return name.dropFirst().lastIndex(of: ".").map { String(name[$0...]) } ?? ""
    }
}

extension String {
    /// The text without blanks and tabs at both ends.
    func trimmingSpaces() -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}

extension PathName {
    /// The directory of a path that may be relative; empty for one without a slash.
    static func relativeParent(of path: String) -> String {
        path.contains("/") ? parent(of: path) : ""
    }
}
