import Diagnostics
import Inventory
import Templates
import Values

/// What can be computed once for all hosts in the same groups with the same roles.
///
/// Most hosts of a fleet differ only in name and address, and nearly all their resources are equal.
/// A resource is computed again only if it reads, directly or through other variables, something
/// that differs on the host. Not thread-safe.
final class HostClass {
    let groups: GroupScope
    let assignment: Assignment
    let roles: [RoleClass]
    /// All variables on which any parameter or resource depends.
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

/// One role that a class of hosts carries.
final class RoleClass {
    let resolver: ParameterResolver
    /// The index among all roles.
    let index: Int
    let plans: [String: ParameterPlan]
    /// The resolved resources, each with the number of its structure.
    let resources: [Memo<[(ResolvedResource, Int)]>]
    let handlers: [Memo<ResolvedHandler>]
    /// All variables on which its parameters and resources depend.
    let variables: Set<String>
    /// Whether all parameters are fixed, so that hosts need not compute or check them.
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
            // These are equal on all hosts of a class, and can be large.
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

    /// The parameter plans for a host that sets some parameters in its own variables.
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
