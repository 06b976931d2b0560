import Diagnostics
import YAML

extension InventorySet {
    /// Warnings for variables whose values differ between groups of the same level of one host.
    ///
    /// Only where that has an effect: the winner is of that level, and some host has no value of
    /// its own.
    var levelConflicts: [Diagnostic] {
        struct Key: Hashable {
            let variable: String
            let winner: String
            let loser: String
        }
        struct Conflict {
            let winner: VariableCandidate
            let loser: VariableCandidate
            var hosts: [String] = []
        }
        var found: [Key: Conflict] = [:]
        var known: [ObjectIdentifier: [(Key, Conflict)]] = [:]
        for host in hostRecords {
            let identity = ObjectIdentifier(host.fromGroups)
            let conflicts =
                known[identity]
                ?? Self.conflicts(host.fromGroups).map {
                    (
                        Key(
                            variable: $0.name, winner: $0.winner.level.text,
                            loser: $0.loser.level.text),
                        Conflict(winner: $0.winner, loser: $0.loser)
                    )
                }
            known[identity] = conflicts
            if conflicts.isEmpty { continue }
            let own = Set((host.layers.inventory + host.layers.files).joined().map(\.name))
            for (key, conflict) in conflicts where !own.contains(key.variable) {
                found[key, default: conflict].hosts.append(host.name)
            }
        }
        return found.sorted {
            ($0.value.winner.origin, $0.key.loser) < ($1.value.winner.origin, $1.key.loser)
        }
        .map { key, conflict in
            Self.diagnostic(key.variable, conflict.winner, conflict.loser, conflict.hosts)
        }
    }

    private static func conflicts(
        _ variables: GroupVariables
    ) -> [(name: String, winner: VariableCandidate, loser: VariableCandidate)] {
        var found: [(String, VariableCandidate, VariableCandidate)] = []
        for (name, candidates) in variables.candidates where candidates.count > 1 {
            guard let winner = candidates.last,
                case .group(let group, let depth, let priority) = winner.level
            else { continue }
            var seen: Set = [group]
            for other in candidates.reversed() {
                guard case .group(let otherGroup, depth, priority) = other.level,
                    seen.insert(otherGroup).inserted, other.node.value != winner.node.value
                else { continue }
                found.append((name, winner, other))
            }
        }
        return found
    }

    private static func diagnostic(
        _ name: String, _ winner: VariableCandidate, _ loser: VariableCandidate, _ hosts: [String]
    ) -> Diagnostic {
        let count = hosts.count == 1 ? hosts[0] : "\(hosts.count) hosts, \(hosts[0]) the first"
        return Diagnostic(
            .warning, "level-conflict",
            "\(name) differs between groups of the same level; the \(winner.level.text) wins",
            at: winner.origin,
            cause: "both groups hold \(count), and only "
                + (winner.isFile != loser.isFile
                    ? "a file of group_vars outranks the inventory" : "the order of names decides"),
            hint: "give one of the groups a higher ansible_group_priority, or set the value in a "
                + "group below both or for the host",
            related: [.init(loser.origin, "the \(loser.level.text) gives another value")])
    }
}
