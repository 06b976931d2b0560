import Kinds
import Wire

extension IsolationPlan {
    /// The whole plan and its machine, as `muster isolation --format json` prints them.
    ///
    /// `machine` has a member for each NUMA node, or one with node null; `role` of a thread is
    /// housekeeping, isolated, hot, parked or offline.
    package func json(on topology: MachineTopology, host: String) -> JSON {
        [
            "format_version": 1, "host": .string(host),
            "housekeeping": .string(housekeeping.text), "isolated": .string(isolated.text),
            "hot": .string(hot.text), "parked": .string(parked.text),
            "near": .optional(near) ?? .null,
            "settings": .array(
                settings.map {
                    [
                        "place": .string($0.place.rawValue), "name": .string($0.name),
                        "value": .string($0.value), "reason": .string($0.reason),
                    ]
                }),
            "findings": .strings(findings), "machine": machine(topology),
        ]
    }

    private func machine(_ topology: MachineTopology) -> JSON {
        let groups: [Int?] = topology.nodes.isEmpty ? [nil] : topology.nodes
        var nodes: [JSON] = groups.map { node in
            let cores = topology.cores.filter { $0.node == node }
            return [
                "node": node.map { .integer($0) } ?? .null,
                "packages": .array(Set(cores.compactMap(\.package)).sorted().map { .integer($0) }),
                "interfaces": .strings(interfaces(topology) { $0 == node }),
                "cores": .array(cores.map(core)),
            ]
        }
        let elsewhere = interfaces(topology) { node in !groups.contains { $0 == node } }
        if !elsewhere.isEmpty {
            nodes.append([
                "node": .null, "packages": [], "interfaces": .strings(elsewhere), "cores": [],
            ])
        }
        return .array(nodes)
    }

    private func interfaces(
        _ topology: MachineTopology, _ isThere: (Int?) -> Bool
    ) -> [String] {
        topology.interfaces.filter { isThere($0.value) }.keys.sorted()
    }

    private func core(_ core: MachineTopology.Core) -> JSON {
        .array(core.threads.numbers.map { ["cpu": .integer($0), "role": .string(role($0))] })
    }

    private func role(_ cpu: Int) -> String {
        if parked.contains(cpu) { return policy.threads == .off ? "offline" : "parked" }
        if hot.contains(cpu) { return "hot" }
        return isolated.contains(cpu) ? "isolated" : "housekeeping"
    }
}
