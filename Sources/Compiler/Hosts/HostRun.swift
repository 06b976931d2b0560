import Diagnostics
import FleetModel
import Inventory
import Templates
import Values

/// The compilation of one host: its parameters, then its resources, then its handlers.
struct HostRun {
    let hostClass: HostClass
    let scope: HostScope
    let variables: HostVariables
    /// The resources, in the order of the roles and of their files.
    private(set) var resources: [ResolvedResource] = []
    /// The structure number of each resource, which determines the arrangement.
    private(set) var structures: [Int] = []
    private(set) var faults = DiagnosticBag()
    /// Notes on resources that could not be resolved because facts are missing.
    private(set) var leftOut: [Diagnostic] = []
    private var roleScopes: [RoleScope] = []
    /// The variables that the host sets itself and on which its class depends.
    private let own: Set<String>

    init(hostClass: HostClass, scope: HostScope, variables: HostVariables) {
        self.hostClass = hostClass
        self.scope = scope
        self.variables = variables
        own = Set(variables.own.keys.filter(hostClass.variables.contains))
    }

    /// Computes parameters and resources; faults are gathered.
    mutating func resolve(sources: FleetSources, interner: StructureInterner) {
        for role in hostClass.roles {
            let isShared = own.isDisjoint(with: role.variables)
            let roleScope = RoleScope(
                role.resolver,
                plans: isShared
                    ? role.plans
                    : role.plans(groups: variables.fromGroups, own: variables.own),
                host: scope)
            roleScopes.append(roleScope)
            if !role.isFixed || !isShared { roleScope.computeAll(faults: &faults) }
            let resolver = ResourceResolver(
                role: role.role, roleIndex: role.index, digests: sources.digests)
            for index in role.role.resources.indices {
                resolve(index, role, roleScope, resolver, interner)
            }
        }
    }

    private mutating func resolve(
        _ index: Int, _ role: RoleClass, _ roleScope: RoleScope, _ resolver: ResourceResolver,
        _ interner: StructureInterner
    ) {
        do throws(Faults) {
            let found = try role.resources[index].result(in: roleScope, own: own) {
                () throws(Faults) in
                roleScope.want(role.role.resources[index].reads)
                return try resolver.resolve(index, in: roleScope.context).map {
                    ($0, interner.number(of: $0))
                }
            }
            for (resource, structure) in found {
                resources.append(resource)
                structures.append(structure)
            }
        } catch {
            let definition = role.role.resources[index]
            let place = definition.place
            if error.all.contains(where: { $0.code == FactsScope.missingCode }) {
                leftOut.append(
                    Diagnostic(
                        .note, FactsScope.missingCode,
                        "a \(definition.kind.rawValue) is only partly checked: it needs facts of "
                            + scope.host, at: place))
            }
            faults.add(
                contentsOf: error.all.map { fault in
                    var placed = fault
                    if placed.place == nil { placed.place = place }
                    return placed
                })
        }
    }

    /// The handlers that the resources notify, in the order of the roles and of their files.
    func handlers() throws(Faults) -> [ResolvedHandler] {
        var notified: Set<String> = []
        for resource in resources { notified.formUnion(resource.planned.notify) }
        if notified.isEmpty { return [] }
        var all: [ResolvedHandler] = []
        var found: Set<String> = []
        for (position, role) in hostClass.roles.enumerated() {
            let resolver = HandlerResolver(role: role.role)
            for (index, definition) in role.role.handlers.enumerated() {
                let address = HandlerReference(role: role.role.name, id: definition.id).address
                guard notified.contains(address) else { continue }
                found.insert(address)
                let roleScope = roleScopes[position]
                all.append(
                    try role.handlers[index].result(in: roleScope, own: own) {
                        () throws(Faults) in
                        roleScope.want(definition.reads)
                        return try resolver.resolve(index, in: roleScope.context)
                    })
            }
        }
        if found.count < notified.count { throw notCarried(notified.subtracting(found)) }
        return all
    }

    /// The faults of handlers in roles that the host does not carry.
    private func notCarried(_ addresses: Set<String>) -> Faults {
        var faults: [Diagnostic] = []
        for resource in resources {
            guard let address = resource.planned.notify.first(where: addresses.contains),
                let role = hostClass.roles.first(where: { $0.index == resource.definition.role })
            else { continue }
            let definition = role.role.resources[resource.definition.index]
            let place = definition.notify.first { $0.handler.address == address }?.place
            let other = String(address.prefix { $0 != "/" })
            faults.append(
                Diagnostic(
                    "role-not-carried",
                    "\(resource.label) notifies \(address), but the host does not carry that role",
                    at: place ?? resource.place,
                    hint: "add \(other) to the requires of the role \(role.role.name)"))
        }
        return Faults(faults)
    }
}
