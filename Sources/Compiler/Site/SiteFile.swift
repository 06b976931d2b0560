import Diagnostics
import YAML

/// The content of Inventory/site.yaml: the roles that hosts carry.
package struct SiteFile: Sendable {
    /// One entry: a host pattern and the roles that matching hosts carry.
    package struct Entry: Sendable {
        package var pattern: String
        package var place: Place
        package var roles: [RoleUse]
    }

    /// A role with its arguments.
    package struct RoleUse: Sendable {
        package var role: String
        package var place: Place
        package var arguments: [Argument]
    }

    package struct Argument: Sendable {
        package var name: String
        package var place: Place
        package var source: ValueSource
    }

    package var entries: [Entry]

    package static let path = "Inventory/site.yaml"

    /// Reads the file; a missing file is a fault, because no host would carry any role.
    static func read(_ files: FleetFiles, faults: inout DiagnosticBag) -> SiteFile {
        let source: SourceText
        do {
            source = try files.text(path)
        } catch {
            faults.add(
                Diagnostic(
                    "unreadable", "cannot read \(path)", cause: error.text,
                    hint: error == .missing
                        ? "create it with the roles of your hosts: \"- hosts: all\" and "
                            + "\"  roles: [baseline]\"" : error.hint))
            return SiteFile(entries: [])
        }
        do throws(Faults) {
            guard let node = try YAMLReader.parse(source) else { return SiteFile(entries: []) }
            guard let list = node.list else {
                throw Faults(
                    Diagnostic(
                        "wrong-type", "\(path) is \(node.kindText), not a list", at: node.place,
                        hint: "begin each entry with \"- hosts:\""))
            }
            return SiteFile(entries: list.compactMap { entry($0, faults: &faults) })
        } catch {
            faults.add(error)
            return SiteFile(entries: [])
        }
    }

    private static func entry(_ node: Node, faults: inout DiagnosticBag) -> Entry? {
        guard var map = StrictMap(node, what: "an entry of site.yaml", faults: &faults) else {
            return nil
        }
        let pattern = map.required("hosts", faults: &faults)
        let roles = map.required("roles", faults: &faults)
        map.finish(faults: &faults)
        var uses: [RoleUse] = []
        if let roles {
            if roles.list == nil, roles.text == nil || roles.isNull {
                faults.add(
                    Diagnostic(
                        "wrong-type", "\"roles\" is \(roles.kindText), not a list",
                        at: roles.place, hint: "write roles: [NAME], or one \"- NAME\" a line"))
            } else {
                uses = (roles.list ?? [roles]).compactMap { use($0, faults: &faults) }
            }
        }
        guard let pattern,
            let text = patternText(pattern, faults: &faults)
        else { return nil }
        return Entry(pattern: text, place: pattern.place, roles: uses)
    }

    /// A host pattern; a list of patterns means their union.
    private static func patternText(_ node: Node, faults: inout DiagnosticBag) -> String? {
        let texts = StrictMap.strings(node, what: "\"hosts\"", faults: &faults).map(\.text)
        return texts.isEmpty ? nil : texts.joined(separator: ",")
    }

    private static func use(_ node: Node, faults: inout DiagnosticBag) -> RoleUse? {
        if node.scalar != nil {
            return StrictMap.string(node, what: "a role", faults: &faults).map {
                RoleUse(role: $0, place: node.place, arguments: [])
            }
        }
        guard var map = StrictMap(node, what: "a role in site.yaml", faults: &faults),
            let roleNode = map.required("role", faults: &faults),
            let role = StrictMap.string(roleNode, what: "\"role\"", faults: &faults)
        else { return nil }
        var arguments: [Argument] = []
        for (name, entry) in map.rest() {
            do {
                arguments.append(
                    Argument(
                        name: name, place: entry.key.place, source: try ValueSource(entry.value)))
            } catch {
                faults.add(error)
            }
        }
        return RoleUse(role: role, place: roleNode.place, arguments: arguments)
    }
}
