import Diagnostics
import FleetModel
import YAML

/// Reads a role's folder.
enum RoleReader {
    /// Reads a role; nil if its role.yaml is missing or not a map.
    static func read(
        _ name: String, files: FleetFiles, faults: inout DiagnosticBag
    ) -> RoleDefinition? {
        let path = "Roles/\(name)/role.yaml"
        guard ResourceReader.isIdentifier(name) else {
            faults.add(
                Diagnostic(
                    "bad-name", "the folder Roles/\(name) cannot be a role",
                    hint: "use letters, digits, _, - and . for the name of a role"))
            return nil
        }
        let source: SourceText
        do {
            source = try files.text(path)
        } catch {
            faults.add(
                Diagnostic(
                    "unreadable", "cannot read \(path)", cause: error.text,
                    hint: error == .missing
                        ? "every folder in Roles is a role and needs a role.yaml" : error.hint))
            return nil
        }
        let node: Node?
        do {
            node = try YAMLReader.parse(source)
        } catch {
            faults.add(error)
            return nil
        }
        let start = Place(source: source, line: 1, column: 1)
        var role = RoleDefinition(
            name: name, place: node?.place ?? start, summary: "", parameters: [], requires: [],
            resources: [], handlers: [],
            templates: TemplateFolder(role: name, files: files, faults: &faults))
        guard let node else { return role }
        guard var map = StrictMap(node, what: "the role \(name)", faults: &faults) else {
            return nil
        }
        role.summary = map.string("description", faults: &faults) ?? ""
        if let parameters = map.value("parameters"), !parameters.isNull {
            role.parameters = ParameterReader.read(parameters, role: name, faults: &faults)
        }
        role.requires = map.strings("requires", faults: &faults).map { ($0.text, $0.place) }
        let resources = ResourceReader(role: name, templates: role.templates, files: files)
        for element in elements("resources", of: &map, faults: &faults) {
            if let one = resources.read(element, faults: &faults) { role.resources.append(one) }
        }
        let handlers = HandlerReader(role: name)
        for element in elements("handlers", of: &map, faults: &faults) {
            if let one = handlers.read(element, faults: &faults) { role.handlers.append(one) }
        }
        map.finish(faults: &faults)
        checkIdentifiers(of: role, faults: &faults)
        checkElementNames(of: role, faults: &faults)
        return role
    }

    private static func elements(
        _ key: String, of map: inout StrictMap, faults: inout DiagnosticBag
    ) -> [Node] {
        guard let node = map.value(key), !node.isNull else { return [] }
        if let list = node.list { return list }
        faults.add(
            Diagnostic(
                "wrong-type", "\"\(key)\" of \(map.what) is \(node.kindText), not a list",
                at: node.place, hint: "begin each of its elements with \"- \""))
        return []
    }

    /// Checks that ids are unique in a role, separately for resources and for handlers.
    private static func checkIdentifiers(of role: RoleDefinition, faults: inout DiagnosticBag) {
        let resources = role.resources.compactMap { one in one.id.map { ($0, one.place) } }
        let handlers = role.handlers.map { ($0.id, $0.place) }
        for (what, all) in [("resource", resources), ("handler", handlers)] {
            var seen: [String: Place] = [:]
            for (id, place) in all {
                if let first = seen[id] {
                    faults.add(
                        Diagnostic(
                            "duplicate-id", "a second \(what) has the id \"\(id)\"", at: place,
                            related: [Diagnostic.Related(first, "the first")]))
                } else {
                    seen[id] = place
                }
            }
        }
    }

    /// Checks that no element of a `for_each` has the name of a parameter.
    private static func checkElementNames(of role: RoleDefinition, faults: inout DiagnosticBag) {
        for resource in role.resources {
            guard let forEach = resource.forEach, let other = role.parameter(forEach.variable)
            else { continue }
            faults.add(
                Diagnostic(
                    "duplicate-name",
                    "the element of this for_each has the name of a parameter, "
                        + "\"\(forEach.variable)\"", at: forEach.place,
                    hint: "choose another name with \"as\"",
                    related: [Diagnostic.Related(other.place, "the parameter")]))
        }
    }
}
