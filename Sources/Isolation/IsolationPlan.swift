import Kinds

/// The roles of the CPUs of one machine, from which every coupled setting is derived.
///
/// Only whole cores are isolated; the boot CPU's core and one core of each node are always
/// housekeeping (kernel: Documentation/admin-guide/cpu-isolation.rst, kernel/sched/isolation.c).
package struct IsolationPlan: Sendable, Equatable {
    /// Where the kernel, interrupts and everything unpinned run.
    package let housekeeping: CPUList
    /// CPUs taken from the scheduler, including parked ones that are online.
    package let isolated: CPUList
    /// The isolated CPUs that applications are to be pinned to.
    package let hot: CPUList
    /// Second threads that nothing is to run on; with `threads` off they are offline.
    package let parked: CPUList
    /// The CPUs that irqbalance must leave alone: every CPU that is not housekeeping, online or not.
    ///
    /// Second threads that go offline at the next boot are online until then, and irqbalance would
    /// move interrupts to them.
    package let closedToInterrupts: CPUList
    /// The interface whose node the hot CPUs are on, if one was asked for.
    package let near: String?
    /// Notes that an operator should know.
    package let findings: [String]
    package let policy: IsolationPolicy

    /// Derives the sets, or throws the reason why that is not possible.
    package init(
        _ policy: IsolationPolicy, on topology: MachineTopology
    ) throws(IsolationRefusal) {
        var findings = topology.findings
        let scope = try Self.cores(of: policy.scope, topology)
        let kept: Set<Int>
        if case .cpus(let wanted) = policy.scope {
            kept = try Self.housekeeping(around: wanted, scope, topology)
        } else {
            kept = try Self.housekeeping(policy.housekeepingCoresPerNode, topology)
        }
        let isolatedCores = topology.cores.filter {
            scope.contains($0.first) && !kept.contains($0.first)
        }
        if isolatedCores.isEmpty {
            throw IsolationRefusal(
                "no core is left to isolate: of \(scope.count) candidates, housekeeping needs all",
                hint: "isolate more nodes, or keep fewer housekeeping cores on each")
        }
        let houseCores = topology.cores.filter { core in
            !isolatedCores.contains { $0.first == core.first }
        }
        let isOff = policy.threads == .off
        func cpus(_ cores: [MachineTopology.Core]) -> CPUList {
            CPUList(cores.flatMap { isOff ? [$0.first] : $0.threads.numbers })
        }
        housekeeping = cpus(houseCores)
        isolated = cpus(isolatedCores)
        closedToInterrupts = CPUList(
            Set(topology.present.numbers).subtracting(housekeeping.numbers))

        let nearby = try policy.near.map { (name) throws(IsolationRefusal) in
            try Self.node(of: name, topology)
        }
        let hotCores = isolatedCores.filter { nearby == nil || $0.node == nearby }
        if let name = policy.near, hotCores.isEmpty {
            throw IsolationRefusal(
                "no isolated core lies on the node of \(name)",
                hint: "isolate that node too, or leave out --near")
        }
        hot = CPUList(
            hotCores.flatMap { policy.threads == .keep ? $0.threads.numbers : [$0.first] })
        switch policy.threads {
        case .keep: parked = CPUList([])
        case .park: parked = CPUList(isolatedCores.flatMap { $0.others.numbers })
        case .off: parked = CPUList(topology.cores.flatMap { $0.others.numbers })
        }
        if policy.threads != .keep, topology.cores.allSatisfy({ $0.others.isEmpty }) {
            findings.append(
                "no core has a second thread online: smt \(policy.threads.rawValue) changes nothing"
            )
        }
        if policy.threads == .keep, hotCores.contains(where: { !$0.others.isEmpty }) {
            findings.append(
                "hot CPUs share cores with each other: pin to one thread of a core, or park the others"
            )
        }
        near = policy.near
        self.findings = findings
        self.policy = policy
    }

    // MARK: Which cores

    /// The first threads of the cores that a scope names.
    private static func cores(
        of scope: IsolationPolicy.Scope, _ topology: MachineTopology
    ) throws(IsolationRefusal) -> Set<Int> {
        switch scope {
        case .all: return Set(topology.cores.map(\.first))
        case .near(let name):
            let node = try node(of: name, topology)
            return Set(topology.cores.filter { $0.node == node }.map(\.first))
        case .nodes(let nodes):
            if topology.nodes.isEmpty {
                throw IsolationRefusal(
                    "the NUMA nodes of this machine are not known", hint: "name CPUs instead")
            }
            for node in nodes where !topology.nodes.contains(node) {
                throw IsolationRefusal(
                    "there is no NUMA node \(node) with CPUs online",
                    hint: "this machine has \(CPUList(topology.nodes).text)")
            }
            return Set(topology.cores.filter { nodes.contains($0.node ?? -1) }.map(\.first))
        case .cpus(let wanted):
            let outside = wanted.subtracting(topology.online)
            if !outside.isEmpty {
                throw IsolationRefusal(
                    "CPU \(outside.text) is not online", hint: "online are \(topology.online.text)")
            }
            for core in topology.cores {
                let part = core.threads.intersection(wanted)
                if !part.isEmpty, part != core.threads {
                    throw IsolationRefusal(
                        "\(part.text) shares a core with \(core.threads.subtracting(part).text): "
                            + "only whole cores can be isolated",
                        hint: "isolate \(core.threads.text), or none of these")
                }
            }
            return Set(topology.cores.filter { wanted.contains($0.first) }.map(\.first))
        }
    }

    /// The node of an interface; throws if it is not known.
    private static func node(
        of name: String, _ topology: MachineTopology
    ) throws(IsolationRefusal) -> Int {
        guard let known = topology.interfaces[name] else {
            let names = topology.interfaces.keys.sorted().joined(separator: ", ")
            throw IsolationRefusal(
                "there is no network interface \(name)",
                hint: names.isEmpty ? "these facts name none" : "there are \(names)")
        }
        guard let node = known else {
            throw IsolationRefusal(
                "the firmware does not report the NUMA node of \(name)",
                hint: "name the node yourself: node=0. The board's manual lists it by slot")
        }
        if topology.nodes.isEmpty {
            throw IsolationRefusal(
                "the NUMA nodes of this machine are not known", hint: "name CPUs instead")
        }
        guard topology.nodes.contains(node) else {
            throw IsolationRefusal(
                "\(name) is on NUMA node \(node), which has no CPU online",
                hint: "nodes with CPUs are \(CPUList(topology.nodes).text)")
        }
        return node
    }

    /// The first `count` cores of each domain, as their first threads.
    private static func housekeeping(
        _ count: Int, _ topology: MachineTopology
    ) throws(IsolationRefusal) -> Set<Int> {
        if count < 1 {
            throw IsolationRefusal(
                "\(count) housekeeping cores would leave the kernel nowhere to run",
                hint: "at least 1 on each node")
        }
        var kept: Set<Int> = []
        for cores in topology.domains {
            // The boot CPU's core has the lowest number, and so comes first on its node.
            kept.formUnion(cores.prefix(count).map(\.first))
        }
        return kept
    }

    /// The housekeeping cores where CPUs to isolate are named: all others, and enough of them.
    private static func housekeeping(
        around wanted: CPUList, _ scope: Set<Int>, _ topology: MachineTopology
    ) throws(IsolationRefusal) -> Set<Int> {
        if wanted.contains(topology.bootCPU) {
            throw IsolationRefusal(
                "CPU \(topology.bootCPU) is the boot CPU, which runs what the kernel cannot move",
                hint: "do not isolate its core")
        }
        for cores in topology.domains where cores.allSatisfy({ scope.contains($0.first) }) {
            let whole = cores[0].node.map { "NUMA node \($0)" } ?? "a whole package"
            throw IsolationRefusal(
                "no core of \(whole) is left for housekeeping", hint: "isolate one core fewer")
        }
        return Set(topology.cores.map(\.first)).subtracting(scope)
    }
}
