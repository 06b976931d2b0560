import Diagnostics
import Values
import YAML

/// Collects groups and hosts from the sources in their order, as Ansible does.
struct InventoryBuilder {
    struct Group {
        let name: String
        var place: Place?
        var children: [Int] = []
        var parents: [Int] = []
        /// Hosts directly in it, in the order in which they were put there.
        var hosts: [Int] = []
        var members: Set<Int> = []
        var assignments: [[Assignment]] = []
        var priority = 1
    }

    struct Host {
        let name: String
        let place: Place
        /// Groups it is directly in.
        var groups: [Int] = []
        var assignments: [[Assignment]] = []
    }

    static let all = 0
    static let ungrouped = 1

    private(set) var groups: [Group]
    private(set) var hosts: [Host] = []
    private(set) var groupIndex: [String: Int]
    private(set) var hostIndex: [String: Int] = [:]
    var bag = DiagnosticBag()

    init() {
        groups = [Group(name: "all"), Group(name: "ungrouped")]
        groupIndex = ["all": Self.all, "ungrouped": Self.ungrouped]
        groups[Self.all].children = [Self.ungrouped]
        groups[Self.ungrouped].parents = [Self.all]
    }

    /// The group of that name, made where there is none yet.
    mutating func group(_ name: String, at place: Place) -> Int {
        if let index = groupIndex[name] {
            if groups[index].place == nil { groups[index].place = place }
            return index
        }
        groups.append(Group(name: name, place: place))
        groupIndex[name] = groups.count - 1
        return groups.count - 1
    }

    /// The host of that name, made where there is none yet; only then does the port count.
    mutating func host(_ name: String, port: Int? = nil, at place: Place) -> Int {
        if let index = hostIndex[name] { return index }
        var host = Host(name: name, place: place)
        if let port {
            let scalar = Scalar(text: String(port), style: .plain, reading: .integer(port))
            host.assignments = [
                [
                    Assignment(
                        name: "ansible_port", node: Node(.scalar(scalar), at: place), origin: place)
                ]
            ]
        }
        hosts.append(host)
        hostIndex[name] = hosts.count - 1
        return hosts.count - 1
    }

    mutating func put(host: Int, in group: Int) {
        guard groups[group].members.insert(host).inserted else { return }
        groups[group].hosts.append(host)
        hosts[host].groups.append(group)
    }

    /// Makes one group a child of another; reports a fault if that would close a cycle.
    mutating func put(group child: Int, in parent: Int, at place: Place) {
        if groups[parent].children.contains(child) { return }
        if let path = path(from: child, to: parent) {
            let names = ([parent] + path).map { groups[$0].name }
            bag.add(
                Diagnostic(
                    "group-loop",
                    "the group \(groups[child].name) would contain itself: "
                        + names.joined(separator: " → "),
                    at: place, hint: "remove one of these children"))
            return
        }
        groups[parent].children.append(child)
        groups[child].parents.append(parent)
    }

    /// The groups on a path down, both ends included; nil if there is no path.
    private func path(from top: Int, to bottom: Int) -> [Int]? {
        var cameFrom: [Int: Int] = [top: top]
        var waiting = [top]
        while let group = waiting.popLast() {
            if group == bottom {
                var path = [group]
                while let last = path.last, last != top, let before = cameFrom[last] {
                    path.append(before)
                }
                return path.reversed()
            }
            for child in groups[group].children where cameFrom[child] == nil {
                cameFrom[child] = group
                waiting.append(child)
            }
        }
        return nil
    }

    /// Sets variables of a group; `ansible_group_priority` is not a variable but sets the group's
    /// rank.
    mutating func assign(_ assignments: [Assignment], toGroup group: Int) {
        for assignment in assignments where assignment.name == "ansible_group_priority" {
            if let priority = Self.priority(assignment.node) {
                groups[group].priority = priority
            } else {
                bag.add(
                    Diagnostic(
                        "group-priority",
                        "ansible_group_priority of group \(groups[group].name) must be a whole "
                            + "number, not \(assignment.node.kindText)",
                        at: assignment.node.place))
            }
        }
        let variables = assignments.filter { $0.name != "ansible_group_priority" }
        if !variables.isEmpty { groups[group].assignments.append(variables) }
    }

    private static func priority(_ node: Node) -> Int? {
        switch node.value {
        case .integer(let value): value
        case .string(let text): Int(text)
        default: nil
        }
    }

    /// Sets variables of a host; the block is shared by all hosts of one entry.
    mutating func assign(_ assignments: [Assignment], toHost host: Int) {
        if !assignments.isEmpty { hosts[host].assignments.append(assignments) }
    }

    // MARK: The end

    /// Puts every group below `all` and every host without a group into `ungrouped`; refuses names
    /// that are both host and group.
    mutating func reconcile() {
        for index in groups.indices where index != Self.all && groups[index].parents.isEmpty {
            if let place = groups[index].place { put(group: index, in: Self.all, at: place) }
        }
        let implicit: Set = [Self.all, Self.ungrouped]
        for index in hosts.indices {
            if hosts[index].groups.contains(where: { !implicit.contains($0) }) {
                remove(host: index, from: Self.ungrouped)
            } else {
                put(host: index, in: Self.ungrouped)
            }
            let host = hosts[index]
            if let group = groupIndex[host.name] {
                bag.add(
                    Diagnostic(
                        "host-and-group", "\"\(host.name)\" is both a host and a group",
                        at: host.place,
                        cause: "a pattern could not tell which of them is meant",
                        hint: "rename one of them",
                        related: groups[group].place.map { [.init($0, "the group")] } ?? []))
            }
        }
    }

    private mutating func remove(host: Int, from group: Int) {
        guard groups[group].members.remove(host) != nil else { return }
        groups[group].hosts.removeAll { $0 == host }
        hosts[host].groups.removeAll { $0 == group }
    }
}
