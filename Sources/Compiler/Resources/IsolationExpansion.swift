import Diagnostics
import FleetModel
import Isolation
import Kinds
import Values
import Wire

/// Expands a declared `cpu_isolation` to the CPUs of one host and all derived resources.
enum IsolationExpansion {
    typealias Part = ExpandedPart

    /// The facts on which the expansion depends.
    static let reads = [
        ["facts", "cpu"], ["facts", "nics"], ["facts", "numa"], ["facts", "unknown"],
    ]

    private static let setName = "cpu_isolation"

    /// The resource itself with its CPUs, then the resources derived from it.
    static func parts(
        _ attributes: [String: JSON], facts: () throws(Faults) -> JSON, at place: Place
    ) throws(Faults) -> [Part] {
        let applications = attributes["applications"] ?? .array([])
        if attributes["state"]?.string == "absent" {
            let own: [String: JSON] = ["state": "absent", "applications": applications]
            return [Part(kind: .cpuIsolation, name: "system", attributes: own)] + absent
        }
        let policy: IsolationPolicy
        do throws(ValueFault) {
            policy = try self.policy(attributes)
        } catch {
            throw Faults(
                Diagnostic(
                    "bad-attribute", "cpu_isolation system: \(error.message)", at: place,
                    hint: error.hint))
        }
        let plan: IsolationPlan
        let facts = try facts()
        do throws(IsolationRefusal) {
            plan = try IsolationPlan(policy, on: try MachineTopology(facts: facts))
        } catch {
            throw Faults(
                Diagnostic(
                    "isolation-refused", "cannot isolate these CPUs: \(error.cause)", at: place,
                    hint: error.hint))
        }
        let own: [String: JSON] = [
            "state": "present", "housekeeping": .string(plan.housekeeping.text),
            "isolated": .string(plan.isolated.text), "hot": .string(plan.hot.text),
            "parked": .string(plan.parked.text), "applications": applications,
            "mechanism": .string(plan.policy.mechanism.rawValue),
        ]
        return [Part(kind: .cpuIsolation, name: "system", attributes: own)] + derived(plan)
    }

    private static func policy(
        _ attributes: [String: JSON]
    ) throws(ValueFault) -> IsolationPolicy {
        var policy = IsolationPolicy()
        policy.scope = try scope(attributes["isolate"] ?? "all")
        policy.housekeepingCoresPerNode = attributes["housekeeping_cores_per_node"]?.integer ?? 1
        policy.threads =
            attributes["smt"]?.string.flatMap(IsolationPolicy.Threads.init(rawValue:)) ?? .keep
        policy.near = attributes["near"]?.string
        policy.mechanism =
            attributes["mechanism"]?.string.flatMap(IsolationPolicy.Mechanism.init(rawValue:))
            ?? .boot
        return policy
    }

    private static func scope(_ json: JSON) throws(ValueFault) -> IsolationPolicy.Scope {
        if let text = json.string { return try IsolationPolicy.scope(text) }
        // CPUs may be given as a list, and a single CPU as a number.
        if let number = json.integer { return try IsolationPolicy.scope(String(number)) }
        if let list = json.array {
            let words = list.compactMap { $0.string ?? $0.integer.map(String.init) }
            if words.count == list.count {
                return try IsolationPolicy.scope(words.joined(separator: ","))
            }
        }
        if let map = json.object, map.count == 1, let (key, value) = map.first {
            let values = value.array ?? [value]
            let words = values.compactMap { $0.string ?? $0.integer.map(String.init) }
            if words.count == values.count, ["node", "near"].contains(key) {
                return try IsolationPolicy.scope("\(key)=\(words.joined(separator: ","))")
            }
        }
        throw ValueFault(
            "isolate cannot be \(json.canonicalText)",
            hint: "use all, {node: 1}, {near: ens1f0}, or a CPU list: 2-7,10")
    }

    private static func derived(_ plan: IsolationPlan) -> [Part] {
        let house = JSON.string(plan.housekeeping.text)
        let isolated = plan.isolated.text
        let flags = plan.policy.mechanism == .boot ? "managed_irq,domain" : "managed_irq"
        var parameters = [
            "isolcpus=\(flags),\(isolated)", "nohz_full=\(isolated)",
            "rcu_nocbs=\(isolated)", "irqaffinity=\(plan.housekeeping.text)",
        ]
        if plan.policy.threads == .off { parameters.append("nosmt") }
        return [
            Part(
                kind: .kernelCmdline, name: setName,
                attributes: [
                    "state": "present", "parameters": .strings(parameters), "without": [],
                ]),
            Part(
                kind: .sysctl, name: "kernel.watchdog_cpumask",
                attributes: [
                    "state": "present", "value": house,
                    "path": .string(SysctlDeclaration.defaultFile),
                ]),
            Part(
                kind: .irqbalance, name: "system",
                attributes: [
                    "state": "present", "banned_cpus": .string(plan.closedToInterrupts.text),
                ]),
            Part(
                kind: .workqueue, name: "unbound", attributes: ["state": "present", "cpus": house]),
            Part(
                kind: .workqueue, name: "writeback",
                attributes: ["state": "present", "cpus": house]),
            Part(
                kind: .irqAffinity, name: "default",
                attributes: ["state": "present", "cpus": house, "spread": false]),
            Part(
                kind: .irqAffinity, name: "all",
                attributes: ["state": "present", "cpus": house, "spread": false]),
        ]
    }

    private static var absent: [Part] {
        [
            Part(
                kind: .kernelCmdline, name: setName,
                attributes: ["state": "absent", "parameters": [], "without": []]),
            Part(
                kind: .sysctl, name: "kernel.watchdog_cpumask",
                attributes: [
                    "state": "absent", "path": .string(SysctlDeclaration.defaultFile),
                ]),
            Part(kind: .workqueue, name: "unbound", attributes: ["state": "absent"]),
            Part(kind: .workqueue, name: "writeback", attributes: ["state": "absent"]),
            Part(
                kind: .irqAffinity, name: "default",
                attributes: ["state": "absent", "spread": false]),
            Part(
                kind: .irqAffinity, name: "all", attributes: ["state": "absent", "spread": false]),
            Part(kind: .irqbalance, name: "system", attributes: ["state": "absent"]),
        ]
    }
}
