/// What all groups of a host give it: shared by every host in exactly the same groups.
///
/// A class, so that sharing is cheap and callers can key their own caches by its identity.
package final class GroupVariables: Sendable {
    /// The names of the groups in merge order, without `all`.
    package let groups: [String]
    /// Per variable everything that groups say, from low to high precedence; the last wins.
    package let candidates: [String: [VariableCandidate]]

    init(groups: [String], candidates: [String: [VariableCandidate]]) {
        self.groups = groups
        self.candidates = candidates
    }
}

/// The variables of one host: what its groups say, and what is said of it alone.
package struct HostVariables: Sendable {
    package let host: String
    package let fromGroups: GroupVariables
    /// Per variable what the inventory and host_vars say of this host, from low to high.
    package let own: [String: [VariableCandidate]]

    /// Everything given for a variable, from low to high precedence; the last wins.
    package func candidates(_ name: String) -> [VariableCandidate] {
        (fromGroups.candidates[name] ?? []) + (own[name] ?? [])
    }

    /// The candidate that wins; nil where the inventory does not know the variable.
    package func winner(_ name: String) -> VariableCandidate? {
        own[name]?.last ?? fromGroups.candidates[name]?.last
    }

    /// The names of all variables, in no order.
    package var names: Set<String> { Set(fromGroups.candidates.keys).union(own.keys) }
}
