import Wire
import YAML

extension InventorySet {
    /// The JSON of `ansible-inventory --list`, of these hosts or of all.
    package func listJSON(of hosts: [String]? = nil) -> JSON {
        let available = hosts.map { Set($0.compactMap { hostIndex[$0] }) }
        var members: [String: JSON] = [:]
        for index in groups.indices {
            let group = groups[index]
            let direct = index == InventoryBuilder.all ? [] : group.hosts
            let names = direct.filter { available?.contains($0) ?? true }.map {
                hostRecords[$0].name
            }
            let json = JSON.compact([
                "hosts": names.isEmpty ? nil : .strings(names),
                "children": group.children.isEmpty
                    ? nil : .strings(group.children.map { groups[$0].name }),
            ])
            if json != [:] { members[group.name] = json }
        }
        var variables: [String: JSON] = [:]
        for name in hosts ?? self.hosts {
            if let json = hostJSON(name), json != [:] { variables[name] = json }
        }
        members["_meta"] = ["hostvars": .object(variables)]
        return .object(members)
    }

    /// The JSON of `ansible-inventory --host`: the winning variables; nil for an unknown host.
    package func hostJSON(_ host: String) -> JSON? {
        guard let variables = variables(of: host) else { return nil }
        var members: [String: JSON] = [:]
        for name in variables.names where !Self.internalNames.contains(name) {
            members[name] = variables.winner(name)?.node.ansibleJSON
        }
        return .object(members)
    }

    /// The text of `ansible-inventory --graph`, starting at a group; nil for an unknown group.
    package func graph(from group: String = "all") -> String? {
        guard let index = groupIndex[group] else { return nil }
        var lines: [String] = []
        graph(index, depth: 0, &lines)
        return lines.joined(separator: "\n")
    }

    private func graph(_ index: Int, depth: Int, _ lines: inout [String]) {
        func line(_ name: String, _ depth: Int) -> String {
            depth == 0 ? name : String(repeating: "  |", count: depth) + "--" + name
        }
        lines.append(line("@\(groups[index].name):", depth))
        for child in groups[index].children { graph(child, depth: depth + 1, &lines) }
        if index == InventoryBuilder.all { return }
        for host in groups[index].hosts { lines.append(line(hostRecords[host].name, depth + 1)) }
    }

    /// Names that Ansible sets itself and never shows.
    private static let internalNames: Set = [
        "ansible_async_path", "ansible_collection_name", "ansible_config_file",
        "ansible_dependent_role_names", "ansible_diff_mode", "ansible_facts", "ansible_forks",
        "ansible_inventory_sources", "ansible_limit", "ansible_play_batch", "ansible_play_hosts",
        "ansible_play_hosts_all", "ansible_play_role_names", "ansible_playbook_python",
        "ansible_role_name", "ansible_role_names", "ansible_run_tags", "ansible_skip_tags",
        "ansible_verbosity", "ansible_version", "inventory_dir", "inventory_file",
        "inventory_hostname", "inventory_hostname_short", "groups", "group_names", "hostvars",
        "playbook_dir", "play_hosts", "role_name", "role_names", "role_path", "role_uuid",
    ]
}
