/// The variables from all groups of a host: shared by every host in exactly the same groups.
///
/// A class, so that sharing is cheap and callers can key their own caches by its identity.
package final class GroupVariables: Sendable {
    /// The names of the groups in merge order, without `all`.
    package let groups: [String]
    /// By variable, all values from groups, from low to high precedence; the last wins.
    package let candidates: [String: [VariableCandidate]]

    init(groups: [String], candidates: [String: [VariableCandidate]]) {
        self.groups = groups
        self.candidates = candidates
    }
}

/// The variables of one host: those from its groups and those of the host alone.
package struct HostVariables: Sendable {
    package let host: String
    package let fromGroups: GroupVariables
    /// By variable, the values that the inventory and host_vars give this host, from low to high
    /// precedence.
    package let own: [String: [VariableCandidate]]

    /// All values given for a variable, from low to high precedence; the last wins.
    package func candidates(_ name: String) -> [VariableCandidate] {
        (fromGroups.candidates[name] ?? []) + (own[name] ?? [])
    }

    /// The winning value; nil if the inventory does not define the variable.
    package func winner(_ name: String) -> VariableCandidate? {
        own[name]?.last ?? fromGroups.candidates[name]?.last
    }

    /// The names of all variables, in no order.
    package var names: Set<String> { Set(fromGroups.candidates.keys).union(own.keys) }
}
