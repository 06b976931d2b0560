import Diagnostics
import YAML

/// A loaded inventory: groups, hosts, and the variables of each with their origin.
package struct InventorySet: Sendable {
    package struct Group: Sendable {
        package let name: String
        package let place: Place?
        /// Indices of the child groups, in the order in which they were added.
        let children: [Int]
        /// Indices of the hosts that are direct members.
        let hosts: [Int]
        /// The length of the longest path from `all`, which has depth 0.
        package let depth: Int
        /// `ansible_group_priority`; 1 where it is not set.
        package let priority: Int
        let layers: Layers
    }

    package struct Host: Sendable {
        package let name: String
        package let place: Place
        let layers: Layers
        let fromGroups: GroupVariables
    }

    /// The variables of a group or host: from the inventory, and from the files of each directory.
    struct Layers: Sendable {
        var inventory: [[Assignment]] = []
        /// One element per directory that has such files, in the order of the sources.
        var files: [[Assignment]] = []
    }

    let groups: [Group]
    let hostRecords: [Host]
    let groupIndex: [String: Int]
    let hostIndex: [String: Int]
    /// The hosts of every group, including those of its descendants, in inventory order.
    let members: [[Int]]

    /// The names of all hosts in inventory order: level by level from `all` down.
    package var hosts: [String] { members[InventoryBuilder.all].map { hostRecords[$0].name } }

    /// The names of all groups in the order in which they first appear, `all` and `ungrouped` first.
    package var groupNames: [String] { groups.map(\.name) }

    /// The host with this name.
    package func host(_ name: String) -> Host? { hostIndex[name].map { hostRecords[$0] } }

    /// The names of the groups that a host is in, sorted; `all` is left out, as in `group_names`.
    package func groups(of host: String) -> [String] {
        guard let host = self.host(host) else { return [] }
        return host.fromGroups.groups.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The names of a group's hosts, including those of its descendants, in inventory order.
    package func hosts(inGroup name: String) -> [String] {
        guard let index = groupIndex[name] else { return [] }
        return members[index].map { hostRecords[$0].name }
    }

    /// The variables from the groups and from the host alone; nil for an unknown host.
    ///
    /// Cheap: the part from the groups is shared by all hosts in the same groups.
    package func variables(of host: String) -> HostVariables? {
        guard let host = self.host(host) else { return nil }
        var own: [String: [VariableCandidate]] = [:]
        func add(_ assignments: [Assignment], isFile: Bool) {
            for assignment in assignments {
                own[assignment.name, default: []].append(
                    VariableCandidate(
                        node: assignment.node, origin: assignment.origin, level: .host,
                        isFile: isFile))
            }
        }
        for block in host.layers.inventory { add(block, isFile: false) }
        for block in host.layers.files { add(block, isFile: true) }
        return HostVariables(host: host.name, fromGroups: host.fromGroups, own: own)
    }
}
