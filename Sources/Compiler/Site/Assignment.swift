import Diagnostics

/// The roles that hosts carry, in order, with their arguments in site.yaml.
///
/// Hosts that match the same entries share one assignment.
package final class Assignment: Sendable {
    package struct Carried: Sendable {
        /// The role's index among all roles.
        package let role: Int
        /// The arguments by parameter name.
        package let arguments: [String: SiteFile.Argument]
        /// The place that adds the role: in site.yaml, or in the role that requires it.
        package let place: Place
    }

    package let roles: [Carried]

    init(roles: [Carried]) { self.roles = roles }

    /// The indices of the roles.
    var roleIndices: [Int] { roles.map(\.role) }
}

/// Builds assignments from the entries of site.yaml that match a host.
struct AssignmentBuilder {
    let entries: [SiteFile.Entry]
    let roles: [RoleDefinition]
    let index: [String: Int]
    /// Pairs of entries whose difference was already reported.
    private var told: Set<[Place]> = []

    init(entries: [SiteFile.Entry], roles: [RoleDefinition], index: [String: Int]) {
        self.entries = entries
        self.roles = roles
        self.index = index
    }

    /// The assignment of hosts that match these entries, in the order of the file.
    ///
    /// `host` is one of these hosts, for messages. Two entries that give different arguments to the
    /// same role are a fault; an entry that names the role without arguments never conflicts.
    mutating func assignment(
        of matched: [Int], host: String, faults: inout DiagnosticBag
    ) -> Assignment {
        var uses: [Int: SiteFile.RoleUse] = [:]
        var order: [(role: Int, place: Place)] = []
        for entry in matched {
            for use in entries[entry].roles {
                guard let role = index[use.role] else { continue }
                order.append((role, use.place))
                if use.arguments.isEmpty { continue }
                guard let first = uses[role] else {
                    uses[role] = use
                    continue
                }
                if let difference = Self.difference(first, use),
                    told.insert([first.place, use.place]).inserted
                {
                    faults.add(
                        Diagnostic(
                            "two-arguments",
                            "\(host) has the role \(use.role) twice, with different arguments",
                            at: use.place, cause: difference,
                            hint: "give the arguments in one entry, or as variables of a group",
                            related: [Diagnostic.Related(first.place, "the other arguments")]))
                }
            }
        }
        var carried: [Assignment.Carried] = []
        var seen: Set<Int> = []
        func carry(_ role: Int, _ place: Place) {
            guard seen.insert(role).inserted else { return }
            for (name, place) in roles[role].requires {
                if let required = index[name] { carry(required, place) }
            }
            let arguments = uses[role]?.arguments ?? []
            carried.append(
                Assignment.Carried(
                    role: role,
                    arguments: Dictionary(
                        arguments.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }),
                    place: place))
        }
        for (role, place) in order { carry(role, place) }
        return Assignment(roles: carried)
    }

    /// The difference between the arguments; nil if they are equal.
    private static func difference(_ a: SiteFile.RoleUse, _ b: SiteFile.RoleUse) -> String? {
        for argument in a.arguments {
            guard let other = b.arguments.first(where: { $0.name == argument.name }) else {
                return "only one of them gives \(argument.name)"
            }
            if !argument.source.isSame(as: other.source) {
                return "\(argument.name) has another value"
            }
        }
        for argument in b.arguments
        where !a.arguments.contains(where: { $0.name == argument.name }) {
            return "only one of them gives \(argument.name)"
        }
        return nil
    }
}
