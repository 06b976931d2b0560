import Diagnostics
import Linux
import Values
import YAML

/// The output of an inventory executable, or a file with the same JSON.
struct ScriptSource {
    private let document: Node
    private let name: String

    /// Adds the groups and hosts of a document.
    ///
    /// `hostVariables` returns the variables of a host, used if the document has no
    /// `_meta.hostvars`; nil if it failed.
    static func read(
        _ document: Node, named name: String, into builder: inout InventoryBuilder,
        hostVariables: (String, inout InventoryBuilder) -> [Assignment]?
    ) {
        guard let entries = document.map else {
            builder.bag.add(
                Diagnostic(
                    "inventory-form", "\(name) must be a map of groups, not \(document.kindText)",
                    at: document.place))
            return
        }
        let source = ScriptSource(document: document, name: name)
        var hosts: [Int] = []
        for entry in entries where entry.key.text != "_meta" {
            hosts += source.readGroup(entry, into: &builder)
        }
        var seen: Set<Int> = []
        hosts = hosts.filter { seen.insert($0).inserted }
        guard let meta = source.hostVariables(&builder) else {
            for host in hosts {
                guard let variables = hostVariables(builder.hosts[host].name, &builder) else {
                    return
                }
                builder.assign(variables, toHost: host)
            }
            return
        }
        for host in hosts {
            guard let variables = meta[builder.hosts[host].name] else { continue }
            guard let entries = variables.value.map else {
                builder.bag.add(
                    Diagnostic(
                        "inventory-form",
                        "the variables of \(builder.hosts[host].name) must be a map, not "
                            + variables.value.kindText,
                        at: variables.value.place))
                continue
            }
            builder.assign(YAMLSource.assignments(entries), toHost: host)
        }
        let known = Set(hosts.map { builder.hosts[$0].name })
        for (host, entry) in meta.sorted(by: { $0.value.key.place < $1.value.key.place })
        where !known.contains(host) {
            builder.bag.add(
                Diagnostic(
                    .warning, "unused-hostvars",
                    "_meta.hostvars names \(host), which is in no group",
                    at: entry.key.place, hint: "add the host to a group, or remove its variables"))
        }
    }

    /// `_meta.hostvars` by host; nil if there is none.
    private func hostVariables(_ builder: inout InventoryBuilder) -> [String: Node.Entry]? {
        guard let found = document["_meta"]?.entry("hostvars") else {
            if let meta = document.entry("_meta") {
                builder.bag.add(
                    Diagnostic(
                        "inventory-form", "_meta has no hostvars", at: meta.key.place,
                        hint: "print \"_meta\": {\"hostvars\": {}}"))
                return [:]
            }
            return nil
        }
        guard let entries = found.value.map else {
            builder.bag.add(
                Diagnostic(
                    "inventory-form", "_meta.hostvars must be a map, not \(found.value.kindText)",
                    at: found.value.place))
            return [:]
        }
        return Dictionary(
            entries.map { ($0.key.text ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func readGroup(_ entry: Node.Entry, into builder: inout InventoryBuilder) -> [Int] {
        let name = entry.key.text ?? ""
        let group = builder.group(name, at: entry.key.place)
        if entry.value.list != nil { return readHosts(entry.value, name, group, &builder) }
        guard let parts = entry.value.map else {
            wrong("the group \(name)", "a map or a list of hosts", entry.value, &builder)
            return []
        }
        guard parts.contains(where: { ["hosts", "vars", "children"].contains($0.key.text) }) else {
            builder.bag.add(
                Diagnostic(
                    "inventory-form", "the group \(name) has neither hosts, vars nor children",
                    at: entry.key.place,
                    cause: "Ansible takes it for a host of that name",
                    hint: "give it \"hosts\": [], or list the host in a group"))
            return []
        }
        var hosts: [Int] = []
        if let node = entry.value["hosts"] { hosts = readHosts(node, name, group, &builder) }
        if let node = entry.value["vars"] {
            if let entries = node.map {
                builder.assign(YAMLSource.assignments(entries), toGroup: group)
            } else {
                wrong("vars of the group \(name)", "a map", node, &builder)
            }
        }
        if let node = entry.value["children"] {
            guard let children = node.list else {
                wrong("children of the group \(name)", "a list", node, &builder)
                return hosts
            }
            for child in children {
                guard case .string(let text)? = child.scalar?.reading, !text.isEmpty else {
                    wrong("a child of the group \(name)", "a name", child, &builder)
                    continue
                }
                let index = builder.group(text, at: child.place)
                builder.put(group: index, in: group, at: child.place)
            }
        }
        for part in parts where !["hosts", "vars", "children"].contains(part.key.text) {
            builder.bag.add(
                Diagnostic(
                    "unknown-key", "\"\(part.key.text ?? "")\" is not a key of a group",
                    at: part.key.place,
                    cause: "the group \(name) can hold hosts, vars and children"))
        }
        return hosts
    }

    private func readHosts(
        _ node: Node, _ name: String, _ group: Int, _ builder: inout InventoryBuilder
    ) -> [Int] {
        guard let nodes = node.list else {
            wrong("hosts of the group \(name)", "a list", node, &builder)
            return []
        }
        var hosts: [Int] = []
        for node in nodes {
            guard case .string(let text)? = node.scalar?.reading, !text.isEmpty else {
                wrong("a host of the group \(name)", "a name", node, &builder)
                continue
            }
            let host = builder.host(text, at: node.place)
            builder.put(host: host, in: group)
            hosts.append(host)
        }
        return hosts
    }

    private func wrong(
        _ what: String, _ wanted: String, _ node: Node, _ builder: inout InventoryBuilder
    ) {
        builder.bag.add(
            Diagnostic(
                "inventory-form", "\(what) must be \(wanted), not \(node.kindText)", at: node.place)
        )
    }
}
