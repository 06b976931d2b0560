import Diagnostics
import Inventory
import Templates
import Values

/// Hosts in the same groups that carry the same roles: what can be computed once for all of them.
///
/// Most hosts of a fleet differ in a name and an address; nearly everything they carry is the same.
/// A resource is computed anew only where something it reads, through however many variables, is
/// the host's own. Not for more than one thread.
final class HostClass {
    let groups: GroupScope
    let assignment: Assignment
    let roles: [RoleClass]
    /// Every variable that something here rests on.
    let variables: Set<String>

    init(groups: GroupScope, assignment: Assignment, fleet: [RoleDefinition]) {
        self.groups = groups
        self.assignment = assignment
        let resolvers = assignment.roles.map {
            ParameterResolver(role: fleet[$0.role], carried: $0, overrides: groups.overrides)
        }
        let plans = resolvers.map { resolver in
            var plans: [String: ParameterPlan] = [:]
            for parameter in resolver.role.parameters {
                plans[parameter.name] = resolver.plan(parameter, groups: groups.variables)
            }
            return plans
        }
        var finder = DependencyFinder(
            groups: groups, plans: plans, roles: resolvers.map(\.role))
        var roles: [RoleClass] = []
        var variables: Set<String> = []
        for (position, resolver) in resolvers.enumerated() {
            let role = RoleClass(
                resolver, index: assignment.roles[position].role, position: position,
                plans: plans[position], finder: &finder)
            variables.formUnion(role.variables)
            roles.append(role)
        }
        self.roles = roles
        self.variables = variables
    }
}

/// One carried role of a class of hosts.
final class RoleClass {
    let resolver: ParameterResolver
    /// Among all roles.
    let index: Int
    let plans: [String: ParameterPlan]
    /// Each resource with the number of its structure.
    let resources: [Memo<[(ResolvedResource, Int)]>]
    let handlers: [Memo<ResolvedHandler>]
    /// Every variable that its parameters and resources rest on.
    let variables: Set<String>
    /// Whether no parameter is computed or wrong, so that there is nothing to look at on a host.
    let isFixed: Bool

    var role: RoleDefinition { resolver.role }

    init(
        _ resolver: ParameterResolver, index: Int, position: Int, plans: [String: ParameterPlan],
        finder: inout DependencyFinder
    ) {
        self.resolver = resolver
        self.index = index
        self.plans = plans
        let role = resolver.role
        var variables: Set<String> = []
        for parameter in role.parameters {
            variables.formUnion(finder.of(parameter.name, role: position).variables)
        }
        func memo<T>(_ reads: [[String]]) -> Memo<T> {
            var all = NameDependencies()
            var ofHost: [[String]] = []
            // These are the same on all hosts of a class, and may be long.
            let reads = reads.filter { $0.first != "groups" && $0.first != "group_names" }
            for path in reads {
                guard let root = path.first else { continue }
                let one = finder.of(root, role: position)
                all.formUnion(one)
                if one.isOfHost { ofHost.append(path) }
            }
            variables.formUnion(all.variables)
            return Memo(reads: reads, readsOfHost: ofHost, variables: all.variables)
        }
        resources = role.resources.map { memo($0.reads) }
        handlers = role.handlers.map { memo($0.reads) }
        self.variables = variables
        isFixed = plans.values.allSatisfy {
            if case .fixed = $0 { true } else { false }
        }
    }

    /// The plans on a host that gives some of the parameters itself.
    func plans(
        groups: GroupVariables, own: [String: [VariableCandidate]]
    ) -> [String: ParameterPlan] {
        var plans = plans
        for parameter in role.parameters {
            let isOwn =
                own[role.name] != nil || (parameter.inventoryName.map { own[$0] != nil } ?? false)
            if isOwn {
                plans[parameter.name] = resolver.plan(parameter, groups: groups, own: own)
            }
        }
        return plans
    }
}
