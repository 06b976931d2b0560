import Diagnostics
import Linux
import YAML

/// Reads inventory sources one after the other into one builder.
struct SourceReader {
    private let files: InventoryFiles
    private let options: InventoryOptions
    var builder = InventoryBuilder()
    /// The directories in which group_vars and host_vars stand, in the order of the sources.
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
            let address = name.contains("[") ? nil : HostAddress(name)
            let host = builder.host(address?.host ?? name, port: address?.port, at: place)
            builder.put(host: host, in: InventoryBuilder.ungrouped)
        }
    }

    private static let ignoredNames: Set = ["host_vars", "group_vars", "vars_plugins"]
    private static let ignoredEndings = [
        ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg",
        ".retry",
    ]

    /// Whether a folder's entry is no source: hidden, a backup, a document, variables.
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
        guard let source = files.source(path, &builder.bag) else { return }
        do {
            if let document = try YAMLReader.parseVariables(source) {
                YAMLSource.read(document, into: &builder)
            }
        } catch {
            builder.bag.add(error)
        }
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
