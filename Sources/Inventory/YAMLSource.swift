import Diagnostics
import Values
import YAML

/// An inventory in Ansible's YAML form: groups with `hosts`, `vars` and `children`.
struct YAMLSource {
    private static let sections = ["hosts", "vars", "children"]

    /// Adds the groups and hosts of a document.
    static func read(_ document: Node, into builder: inout InventoryBuilder) {
        guard let entries = document.map else {
            builder.bag.add(
                Diagnostic(
                    "inventory-form",
                    "an inventory must be a map of groups, not \(document.kindText)",
                    at: document.place, hint: "start with \"all:\" and \"  hosts:\" below it"))
            return
        }
        if let plugin = document.entry("plugin"), plugin.value.map == nil, !plugin.value.isNull {
            builder.bag.add(
                Diagnostic(
                    "inventory-plugin", "this is the configuration of an Ansible inventory plugin",
                    at: plugin.key.place, cause: "muster runs no Ansible plugins",
                    hint:
                        "give an executable instead that prints what ansible-inventory --list prints"
                ))
            return
        }
        for entry in entries { _ = readGroup(entry, into: &builder) }
    }

    private static func readGroup(_ entry: Node.Entry, into builder: inout InventoryBuilder) -> Int?
    {
        guard let name = self.name(entry.key, "group", &builder) else { return nil }
        let group = builder.group(name, at: entry.key.place)
        guard let sections = entry.value.map else {
            if !entry.value.isNull {
                builder.bag.add(
                    Diagnostic(
                        "inventory-form",
                        "the group \(name) must be a map of hosts, vars and children, not "
                            + entry.value.kindText,
                        at: entry.value.place))
            }
            return group
        }
        for section in sections {
            switch section.key.text {
            case "vars":
                builder.assign(assignments(members(of: section, name, &builder)), toGroup: group)
            case "children":
                for child in members(of: section, name, &builder) {
                    if let index = readGroup(child, into: &builder) {
                        builder.put(group: index, in: group, at: child.key.place)
                    }
                }
            case "hosts":
                for host in members(of: section, name, &builder) {
                    readHost(host, group: group, into: &builder)
                }
            default:
                let key = section.key.text ?? ""
                builder.bag.add(
                    Diagnostic(
                        "unknown-key", "\"\(key)\" is not a key of a group", at: section.key.place,
                        cause: "the group \(name) can hold hosts, vars and children",
                        hint: NearestName.hint(for: key, in: Self.sections)
                            ?? "put a variable under vars, a group under children"))
            }
        }
        return group
    }

    /// The entries of a section; a single name is read as a map with that key.
    private static func members(
        of section: Node.Entry, _ group: String, _ builder: inout InventoryBuilder
    ) -> [Node.Entry] {
        let node = section.value
        if let entries = node.map { return entries }
        if node.isNull { return [] }
        if case .string? = node.scalar?.reading, !node.isVault {
            let scalar = Scalar(text: "", style: .plain, reading: .null)
            return [Node.Entry(key: node, value: Node(.scalar(scalar), at: node.place))]
        }
        let what = section.key.text ?? ""
        builder.bag.add(
            Diagnostic(
                "inventory-form",
                "\(what) of the group \(group) must be a map, not \(node.kindText)",
                at: node.place,
                hint: node.list == nil
                    ? nil : "write \"name:\" with a colon instead of \"- name\" with a dash"))
        return []
    }

    private static func readHost(
        _ entry: Node.Entry, group: Int, into builder: inout InventoryBuilder
    ) {
        guard let name = self.name(entry.key, "host", &builder) else { return }
        let expanded: (names: [String], port: Int?)
        do {
            expanded = try HostRange.expand(name, at: entry.key.place)
        } catch {
            builder.bag.add(error)
            return
        }
        if entry.value.map == nil, !isFalse(entry.value) {
            builder.bag.add(
                Diagnostic(
                    "inventory-form",
                    "the host \(name) must have a map of variables, not \(entry.value.kindText)",
                    at: entry.value.place, hint: "write \"\(name):\" and the variables below it"))
        }
        let variables = assignments(entry.value.map ?? [])
        for name in expanded.names {
            let host = builder.host(name, port: expanded.port, at: entry.key.place)
            builder.put(host: host, in: group)
            builder.assign(variables, toHost: host)
        }
    }

    /// Whether Python treats the value as false: Ansible reads such values as "no variables".
    private static func isFalse(_ node: Node) -> Bool {
        switch node.value {
        case .null, .bool(false), .integer(0), .string(""): true
        case .number(let value): value == 0
        case .list(let elements): elements.isEmpty
        default: false
        }
    }

    private static func name(
        _ key: Node, _ what: String, _ builder: inout InventoryBuilder
    ) -> String? {
        guard let scalar = key.scalar else { return nil }
        if case .string = scalar.reading, !scalar.text.isEmpty { return scalar.text }
        builder.bag.add(
            Diagnostic(
                "inventory-name", "the name of a \(what) must be text, not \(key.kindText)",
                at: key.place, hint: "quote it: \"\(scalar.text)\""))
        return nil
    }

    static func assignments(_ entries: [Node.Entry]) -> [Assignment] {
        entries.map {
            Assignment(name: $0.key.keyText, node: $0.value, origin: $0.key.place)
        }
    }
}
