import Isolation
import Kinds
import TestSupport
import Testing
import Wire

/// Machines and policies from a seed: what holds for every plan that is not refused.
struct GeneratedTests {
    /// A machine of random shape, as facts.
    private struct Machine {
        var facts: JSON
        var nodes: [Int]
        var interfaces: [String]
    }

    private func machine(_ generator: inout SeededGenerator) -> Machine {
        let packages = Int.random(in: 1...4, using: &generator)
        let nodesPerPackage = Int.random(in: 1...3, using: &generator)
        let coresPerNode = Int.random(in: 1...6, using: &generator)
        let threads = [1, 2, 2, 4].randomElement(using: &generator) ?? 1
        let coreCount = packages * nodesPerPackage * coresPerNode
        let isInterleaved = Bool.random(using: &generator)
        let isPaired = Bool.random(using: &generator)
        // Node numbers may have gaps.
        let numbers = (0..<packages * nodesPerPackage).map { index in
            index + (index > 1 ? 6 : 0)
        }
        var siblings: [[Int]] = []
        var nodeCPUs: [Int: [Int]] = [:]
        var packageCPUs: [Int: [Int]] = [:]
        for core in 0..<coreCount {
            let cpus = (0..<threads).map { isPaired ? core * threads + $0 : core + $0 * coreCount }
            let group =
                isInterleaved ? core % numbers.count : core / coresPerNode
            let online = cpus.filter { _ in Int.random(in: 0..<20, using: &generator) != 0 }
            if online.isEmpty { continue }
            siblings.append(online)
            nodeCPUs[numbers[group], default: []] += online
            packageCPUs[group / nodesPerPackage, default: []] += online
        }
        if siblings.isEmpty {
            siblings = [[0]]
            nodeCPUs = [0: [0]]
            packageCPUs = [0: [0]]
        }
        let hasNodes = Int.random(in: 0..<5, using: &generator) != 0
        let nodes = nodeCPUs.keys.sorted()
        func list(_ cpus: [Int]) -> JSON { .string(CPUList(cpus).text) }
        func map(_ groups: [Int: [Int]]) -> JSON {
            .object(
                Dictionary(uniqueKeysWithValues: groups.map { (String($0.key), list($0.value)) }))
        }
        let facts: JSON = [
            "cpu": [
                "online": list(siblings.flatMap { $0 }), "siblings": .array(siblings.map(list)),
                "packages": map(packageCPUs),
            ],
            "numa": hasNodes
                ? .object(
                    Dictionary(
                        uniqueKeysWithValues: nodeCPUs.map {
                            (String($0.key), ["cpus": list($0.value)])
                        })) : .object([:]),
            "nics": [
                "eth0": ["numa_node": .integer(nodes.randomElement(using: &generator) ?? 0)],
                "eth1": ["numa_node": .null],
            ],
        ]
        return Machine(facts: facts, nodes: nodes, interfaces: ["eth0", "eth1"])
    }

    private func policy(_ machine: Machine, _ generator: inout SeededGenerator) -> IsolationPolicy {
        var policy = IsolationPolicy()
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
            policy.scope = .nodes([machine.nodes.randomElement(using: &generator) ?? 0])
        case 1: policy.scope = .near(machine.interfaces.randomElement(using: &generator) ?? "")
        case 2:
            let siblings = machine.facts["cpu"]?["siblings"]?.array ?? []
            let some = siblings.filter { _ in Bool.random(using: &generator) }
            let cpus = some.flatMap { (try? CPUList(parsing: $0.string ?? ""))?.numbers ?? [] }
            policy.scope = .cpus(CPUList(cpus + (cpus.isEmpty ? [1] : [])))
        default: policy.scope = .all
        }
        policy.housekeepingCoresPerNode = Int.random(in: 1...3, using: &generator)
        policy.threads = IsolationPolicy.Threads.allCases.randomElement(using: &generator) ?? .keep
        policy.mechanism =
            IsolationPolicy.Mechanism.allCases.randomElement(using: &generator) ?? .boot
        if Int.random(in: 0..<3, using: &generator) == 0 { policy.near = "eth0" }
        return policy
    }

    @Test(arguments: 0..<8)
    func everyPlanKeepsTheRules(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        var planned = 0
        for _ in 0..<250 {
            let machine = machine(&generator)
            let policy = policy(machine, &generator)
            let topology = try MachineTopology(facts: machine.facts)
            do throws(IsolationRefusal) {
                let plan = try IsolationPlan(policy, on: topology)
                planned += 1
                check(plan, topology)
                #expect(try! IsolationPlan(policy, on: topology) == plan)
            } catch {
                #expect(!error.cause.isEmpty)
            }
        }
        #expect(planned > 80, "only \(planned) of 250 were planned")
    }

    private func check(_ plan: IsolationPlan, _ topology: MachineTopology) {
        let isOff = plan.policy.threads == .off
        #expect(!plan.housekeeping.isEmpty && !plan.isolated.isEmpty && !plan.hot.isEmpty)
        #expect(plan.housekeeping.intersection(plan.isolated).isEmpty)
        let all = plan.housekeeping.union(plan.isolated)
        #expect(isOff ? all.union(plan.parked) == topology.online : all == topology.online)
        #expect(plan.hot.subtracting(plan.isolated).isEmpty)
        #expect(plan.hot.intersection(plan.parked).isEmpty)
        #expect(plan.housekeeping.contains(topology.bootCPU))
        #expect(plan.closedToInterrupts.intersection(plan.housekeeping).isEmpty)
        #expect(plan.closedToInterrupts.union(plan.housekeeping) == topology.present)
        for core in topology.cores {
            let threads = isOff ? CPUList([core.first]) : core.threads
            let isolated = threads.intersection(plan.isolated)
            #expect(isolated.isEmpty || isolated == threads, "core \(core.threads.text) is split")
            if plan.policy.threads == .park {
                #expect(plan.hot.intersection(threads).numbers.count <= 1)
            }
        }
        for domain in topology.domains {
            #expect(domain.contains { plan.housekeeping.contains($0.first) })
        }
        for setting in plan.settings { check(setting, plan) }
    }

    /// Every list and mask is one of the two sets, but that irqbalance leaves all CPUs alone that are
    /// not housekeeping.
    private func check(_ setting: IsolationSetting, _ plan: IsolationPlan) {
        let isList = ["nosmt", "cpuset.cpus.partition"].contains(setting.name) == false
        guard isList else { return }
        let isMask =
            setting.name.hasSuffix("affinity") && setting.place == .running
            || setting.name.hasSuffix("cpumask") && setting.place == .running
        let text = setting.value.split(separator: ",").drop { $0.contains("_") || $0 == "domain" }
            .joined(separator: ",")
        let list = isMask ? try? CPUList(parsingMask: text) : try? CPUList(parsing: text)
        if setting.place == .irqbalance {
            #expect(list == plan.closedToInterrupts, "\(setting)")
        } else {
            #expect(list == plan.housekeeping || list == plan.isolated, "\(setting)")
        }
    }
}
