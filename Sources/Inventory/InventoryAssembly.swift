import Diagnostics
import YAML

/// Builds the finished inventory from the sources and the variables files beside them.
struct InventoryAssembly {
    private let builder: InventoryBuilder
    private var groupLayers: [InventorySet.Layers]
    private var hostLayers: [InventorySet.Layers]

    /// Reads group_vars and host_vars of each directory; the last directory wins.
    init(
        _ builder: InventoryBuilder, directories: [String], files: InventoryFiles,
        _ bag: inout DiagnosticBag
    ) {
        self.builder = builder
        groupLayers = builder.groups.map { InventorySet.Layers(inventory: $0.assignments) }
        hostLayers = builder.hosts.map { InventorySet.Layers(inventory: $0.assignments) }
        for directory in directories {
            if var groups = VariableFiles(.groups, beside: directory, files, &bag) {
                for index in builder.groups.indices {
                    groupLayers[index].files.append(
                        groups.assignments(of: builder.groups[index].name, &bag))
                }
                groups.warnUnused(known: builder.groups.map(\.name), &bag)
            }
            if var hosts = VariableFiles(.hosts, beside: directory, files, &bag) {
                for index in builder.hosts.indices {
                    let found = hosts.assignments(of: builder.hosts[index].name, &bag)
                    if !found.isEmpty { hostLayers[index].files.append(found) }
                }
                hosts.warnUnused(known: builder.hosts.map(\.name), &bag)
            }
        }
    }

    var inventory: InventorySet {
        let depths = self.depths
        let groups = builder.groups.indices.map { index in
            let group = builder.groups[index]
            return InventorySet.Group(
                name: group.name, place: group.place, children: group.children, hosts: group.hosts,
                depth: depths[index], priority: group.priority, layers: groupLayers[index])
        }
        var ancestors: [Int: Set<Int>] = [:]
        var shared: [[Int]: GroupVariables] = [:]
        var hosts: [InventorySet.Host] = []
        hosts.reserveCapacity(builder.hosts.count)
        for index in builder.hosts.indices {
            let host = builder.hosts[index]
            var all = Set(host.groups)
            for group in host.groups { all.formUnion(self.ancestors(of: group, &ancestors)) }
            all.remove(InventoryBuilder.all)
            let order = Self.mergeOrder(all, groups)
            let variables = shared[order] ?? Self.variables(order, groups)
            shared[order] = variables
            hosts.append(
                InventorySet.Host(
                    name: host.name, place: host.place, layers: hostLayers[index],
                    fromGroups: variables))
        }
        return InventorySet(
            groups: groups, hostRecords: hosts, groupIndex: builder.groupIndex,
            hostIndex: builder.hostIndex, members: groups.indices.map { members(of: $0) })
    }

    /// The length of the longest path from `all` to each group.
    private var depths: [Int] {
        var depths = Array(repeating: 0, count: builder.groups.count)
        var open = builder.groups.map(\.parents.count)
        var ready = builder.groups.indices.filter { open[$0] == 0 }
        while let group = ready.popLast() {
            for child in builder.groups[group].children {
                depths[child] = max(depths[child], depths[group] + 1)
                open[child] -= 1
                if open[child] == 0 { ready.append(child) }
            }
        }
        return depths
    }

    private func ancestors(of group: Int, _ known: inout [Int: Set<Int>]) -> Set<Int> {
        if let found = known[group] { return found }
        var all: Set<Int> = []
        for parent in builder.groups[group].parents {
            all.insert(parent)
            all.formUnion(ancestors(of: parent, &known))
        }
        known[group] = all
        return all
    }

    /// Parents before children, lower priority before higher, then by the bytes of the names.
    private static func mergeOrder(_ set: Set<Int>, _ groups: [InventorySet.Group]) -> [Int] {
        set.sorted { left, right in
            let (a, b) = (groups[left], groups[right])
            if a.depth != b.depth { return a.depth < b.depth }
            if a.priority != b.priority { return a.priority < b.priority }
            return a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
        }
    }

    /// Ansible's order: the inventory's own variables of `all` and of the groups, then the files of
    /// `all` over every directory, then the files of the groups directory by directory.
    private static func variables(
        _ order: [Int], _ groups: [InventorySet.Group]
    ) -> GroupVariables {
        var candidates: [String: [VariableCandidate]] = [:]
        func add(_ assignments: [Assignment], _ index: Int, isFile: Bool) {
            let group = groups[index]
            let level: VariableLevel =
                index == InventoryBuilder.all
                ? .all : .group(name: group.name, depth: group.depth, priority: group.priority)
            for assignment in assignments {
                candidates[assignment.name, default: []].append(
                    VariableCandidate(
                        node: assignment.node, origin: assignment.origin, level: level,
                        isFile: isFile))
            }
        }
        let all = InventoryBuilder.all
        for index in [all] + order {
            for block in groups[index].layers.inventory { add(block, index, isFile: false) }
        }
        for block in groups[all].layers.files { add(block, all, isFile: true) }
        for directory in groups[all].layers.files.indices {
            for index in order { add(groups[index].layers.files[directory], index, isFile: true) }
        }
        return GroupVariables(groups: order.map { groups[$0].name }, candidates: candidates)
    }

    /// The hosts of a group and its descendants, level by level, each once.
    private func members(of group: Int) -> [Int] {
        var seenGroups: Set = [group]
        var seenHosts: Set<Int> = []
        var found: [Int] = []
        var level = [group]
        while !level.isEmpty {
            var next: [Int] = []
            for index in level {
                for host in builder.groups[index].hosts where seenHosts.insert(host).inserted {
                    found.append(host)
                }
                next += builder.groups[index].children.filter { seenGroups.insert($0).inserted }
            }
            level = next
        }
        return found
    }
}
