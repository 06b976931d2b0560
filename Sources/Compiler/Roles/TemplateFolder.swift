import Diagnostics
import Templates

/// The templates of a role, parsed once.
struct TemplateFolder: Sendable {
    /// The templates by the name for `template:` and `include`: the path inside the folder.
    private(set) var templates: [String: Template] = [:]
    let path: String

    /// Parses all `.j2` files of the folder and its subfolders, if the folder exists.
    init(role: String, files: FleetFiles, faults: inout DiagnosticBag) {
        path = "Roles/\(role)/templates"
        gather("", files: files, faults: &faults)
        for (name, template) in templates.sorted(by: { $0.key < $1.key }) {
            for include in template.includes where templates[include.name] == nil {
                faults.add(missing(include.name, at: include.place, by: name))
            }
        }
    }

    private mutating func gather(
        _ prefix: String, files: FleetFiles, faults: inout DiagnosticBag
    ) {
        let folder = prefix.isEmpty ? path : path + "/" + prefix.dropLast()
        let entries: [FleetFiles.Entry]
        do {
            entries = try files.list(folder)
        } catch {
            if error != .missing { faults.add(unreadable(folder, error)) }
            return
        }
        for entry in entries.sorted(by: { $0.name < $1.name }) {
            if entry.isFolder {
                gather(prefix + entry.name + "/", files: files, faults: &faults)
            } else if entry.name.hasSuffix(".j2") {
                let file = path + "/" + prefix + entry.name
                do throws(Faults) {
                    let source: SourceText
                    do {
                        source = try files.text(file)
                    } catch {
                        throw Faults(unreadable(file, error))
                    }
                    templates[prefix + entry.name] = try Template(parsing: source)
                } catch {
                    faults.add(error)
                }
            }
        }
    }

    private func unreadable(_ path: String, _ fault: FleetFileFault) -> Diagnostic {
        Diagnostic("unreadable", "cannot read \(path)", cause: fault.text, hint: fault.hint)
    }

    /// The fault for a name that is not a template in this folder.
    func missing(_ name: String, at place: Place, by includer: String? = nil) -> Diagnostic {
        Diagnostic(
            "missing-file", "there is no template \"\(name)\" in \(path)", at: place,
            hint: NearestName.hint(for: name, in: templates.keys)
                ?? (name.hasSuffix(".j2") ? nil : "template names end in .j2"))
    }

    /// All names that a template and its includes read; nil means all templates.
    func reads(of name: String?) -> [NameUse] {
        var seen: Set<String> = []
        var uses: [NameUse] = []
        func visit(_ name: String) {
            guard seen.insert(name).inserted, let template = templates[name] else { return }
            uses += template.uses
            for include in template.includes { visit(include.name) }
        }
        for name in name.map({ [$0] }) ?? templates.keys.sorted() { visit(name) }
        return uses
    }
}
