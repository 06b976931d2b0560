import Diagnostics
import Linux
import YAML

/// The group_vars and host_vars of one directory.
struct VariableFiles {
    /// `group_vars` or `host_vars`.
    enum Kind: String {
        case groups = "group_vars"
        case hosts = "host_vars"

        var what: String { self == .groups ? "group" : "host" }
    }

    private static let extensions = [".yml", ".yaml", ".json"]

    private let files: InventoryFiles
    private let kind: Kind
    private let directory: String
    private let names: Set<String>
    private var used: Set<String> = []

    /// The files of a kind beside an inventory; nil if there is no such directory.
    init?(
        _ kind: Kind, beside directory: String, _ files: InventoryFiles, _ bag: inout DiagnosticBag
    ) {
        let path = directory.isEmpty ? kind.rawValue : PathName.join(directory, kind.rawValue)
        guard let status = files.status(path) else { return nil }
        guard status.type == .directory else {
            bag.add(
                Diagnostic(
                    .warning, "not-a-directory", "\(path) is not a directory and is not read",
                    hint: "make it a directory with one file for each \(kind.what)"))
            return nil
        }
        self.files = files
        self.kind = kind
        self.directory = path
        names = Set(files.list(path, &bag))
    }

    /// The variables from the files of one group or host.
    ///
    /// The first that exists of `NAME` (a file, or a folder whose files are read in order),
    /// `NAME.yml`, `NAME.yaml` and `NAME.json`, as Ansible looks for them.
    mutating func assignments(of name: String, _ bag: inout DiagnosticBag) -> [Assignment] {
        let found = ([""] + Self.extensions).map { name + $0 }.filter(names.contains)
        guard let first = found.first else { return [] }
        used.formUnion(found)
        let path = PathName.join(directory, first)
        for other in found.dropFirst() {
            bag.add(
                Diagnostic(
                    .warning, "shadowed-file", "\(directory)/\(other) is not read",
                    cause: "\(path) is found before it, and only one of them counts",
                    hint: files.isDirectory(path)
                        ? "move the file into the folder" : "join the two files"))
        }
        var all: [Assignment] = []
        for file in files.isDirectory(path) ? filesBelow(path, &bag) : [path] {
            all += assignments(inFile: file, &bag)
        }
        if kind == .groups {
            for assignment in all where assignment.name == "ansible_group_priority" {
                bag.add(
                    Diagnostic(
                        .warning, "group-priority",
                        "ansible_group_priority has no effect in group_vars",
                        at: assignment.origin, hint: "set it in the inventory itself"))
            }
        }
        return all
    }

    /// All files of a folder and the folders in it, in the order of their names.
    private func filesBelow(_ folder: String, _ bag: inout DiagnosticBag) -> [String] {
        var found: [String] = []
        for name in files.list(folder, &bag) where !Self.isIgnored(name) {
            let path = PathName.join(folder, name)
            let ending = Self.ending(of: name)
            if files.isDirectory(path) {
                if ending.isEmpty { found += filesBelow(path, &bag) }
            } else if ending.isEmpty || Self.extensions.contains(ending) {
                found.append(path)
            }
        }
        return found
    }

    /// Hidden files and editors' backups.
    private static func isIgnored(_ name: String) -> Bool {
        name.hasPrefix(".") || name.hasSuffix("~")
    }

    /// The part of the name from its last dot on; empty if it has no dot.
    private static func ending(of name: String) -> String {
        name.dropFirst().lastIndex(of: ".").map { String(name[$0...]) } ?? ""
    }

    private func assignments(inFile path: String, _ bag: inout DiagnosticBag) -> [Assignment] {
        guard let source = files.source(path, &bag) else { return [] }
        if source.text.hasPrefix("$ANSIBLE_VAULT;") {
            bag.add(
                Diagnostic(
                    .warning, "vault-file", "\(path) is encrypted and is not read",
                    cause: "muster cannot open Ansible's vault; what it defines is undefined here",
                    hint: "give the values muster needs in a plain file or as secrets"))
            return []
        }
        do {
            guard let document = try YAMLReader.parseVariables(source) else { return [] }
            if let entries = document.map { return YAMLSource.assignments(entries) }
            if document.isNull { return [] }
            bag.add(
                Diagnostic(
                    "inventory-form",
                    "a file of variables must be a map, not \(document.kindText)",
                    at: document.place))
        } catch {
            bag.add(error)
        }
        return []
    }

    /// A warning for each file that belongs to no group or host.
    func warnUnused(known: some Sequence<String>, _ bag: inout DiagnosticBag) {
        for name in names.sorted() where !used.contains(name) && !Self.isIgnored(name) {
            let ending = Self.ending(of: name)
            let path = PathName.join(directory, name)
            let isFolder = files.isDirectory(path)
            let hasEnding = Self.extensions.contains(ending)
            if !isFolder && !ending.isEmpty && !hasEnding { continue }
            let bare = hasEnding && !isFolder ? String(name.dropLast(ending.count)) : name
            bag.add(
                Diagnostic(
                    .warning, "unused-file", "\(path) belongs to no \(kind.what)",
                    hint: NearestName.hint(for: bare, in: known)
                        ?? "remove it, or add the \(kind.what) \(bare) to the inventory"))
        }
    }
}
