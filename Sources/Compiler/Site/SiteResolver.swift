import Diagnostics
import Inventory
import Templates
import Values

/// Determines the roles of every host, and checks the values given for their parameters.
struct SiteResolver {
    let site: SiteFile
    let roles: [RoleDefinition]
    let index: [String: Int]
    let checks: RoleChecks
    let inventory: InventorySet
    private(set) var assignments: [String: Assignment] = [:]
    /// The indices of roles that at least one host carries.
    private(set) var carried: Set<Int> = []
    /// The names of variables that at least one host has.
    private(set) var variables: Set<String> = []

    init(
        site: SiteFile, roles: [RoleDefinition], index: [String: Int], checks: RoleChecks,
        inventory: InventorySet
    ) {
        self.site = site
        self.roles = roles
        self.index = index
        self.checks = checks
        self.inventory = inventory
    }

    mutating func run(faults: inout DiagnosticBag) {
        var matched: [String: [Int]] = [:]
        for (position, entry) in site.entries.enumerated() {
            checkArguments(of: entry, faults: &faults)
            do {
                for host in try inventory.hosts(matching: [entry.pattern], at: entry.place) {
                    matched[host, default: []].append(position)
                }
            } catch {
                faults.add(error)
            }
        }
        var builder = AssignmentBuilder(entries: site.entries, roles: roles, index: index)
        var shared: [[Int]: Assignment] = [:]
        for host in inventory.hosts {
            guard let entries = matched[host] else { continue }
            if let known = shared[entries] {
                assignments[host] = known
                continue
            }
            let new = builder.assignment(of: entries, host: host, faults: &faults)
            shared[entries] = new
            assignments[host] = new
        }
        checkInventory(faults: &faults)
    }

    /// Checks that roles and arguments exist, and the types of arguments without templates.
    private func checkArguments(of entry: SiteFile.Entry, faults: inout DiagnosticBag) {
        for use in entry.roles {
            guard let position = index[use.role] else {
                checks.addUnknownRole(use.role, at: use.place, to: &faults)
                continue
            }
            let carried = Assignment.Carried(role: position, arguments: [:], place: use.place)
            let resolver = ParameterResolver(
                role: roles[position], carried: carried, overrides: .none)
            for argument in use.arguments {
                guard let parameter = roles[position].parameter(argument.name) else {
                    faults.add(resolver.unknown(argument.name, at: argument.place))
                    continue
                }
                for name in argument.source.uses {
                    faults.add(contentsOf: RefusedNames.faults(of: name))
                }
                guard argument.source.isLiteral else { continue }
                do {
                    _ = try resolver.value(
                        of: argument.source, for: parameter, TemplateContext(ValueMap()))
                } catch {
                    faults.add(error)
                }
            }
        }
    }

    /// Checks the maps under role names in the variables of hosts that carry the roles.
    private mutating func checkInventory(faults: inout DiagnosticBag) {
        struct Seen: Hashable {
            let groups: ObjectIdentifier
            let assignment: ObjectIdentifier
        }
        var seen: Set<Seen> = []
        var seenGroups: Set<ObjectIdentifier> = []
        var told: Set<Place> = []
        for host in inventory.hosts {
            guard let variables = inventory.variables(of: host) else { continue }
            self.variables.formUnion(variables.own.keys)
            if seenGroups.insert(ObjectIdentifier(variables.fromGroups)).inserted {
                self.variables.formUnion(variables.fromGroups.candidates.keys)
            }
            guard let assignment = assignments[host] else { continue }
            let isNew = seen.insert(
                Seen(
                    groups: ObjectIdentifier(variables.fromGroups),
                    assignment: ObjectIdentifier(assignment))
            ).inserted
            if isNew { carried.formUnion(assignment.roleIndices) }
            for carried in assignment.roles {
                let role = roles[carried.role]
                var candidates = variables.own[role.name] ?? []
                if isNew { candidates += variables.fromGroups.candidates[role.name] ?? [] }
                if candidates.isEmpty { continue }
                let resolver = ParameterResolver(role: role, carried: carried, overrides: .none)
                for fault in resolver.faults(in: candidates) {
                    if let place = fault.place, !told.insert(place).inserted { continue }
                    faults.add(fault)
                }
            }
        }
    }
}
