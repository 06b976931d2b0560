import Templates

/// What a value finally depends on: inventory variables, and the host's name or facts.
struct NameDependencies {
    /// Inventory variables, set or not; if a host sets one itself, its value may differ.
    var variables: Set<String> = []
    /// Whether it depends on the host's name or facts, and so differs from host to host.
    var isOfHost = false

    mutating func formUnion(_ other: NameDependencies) {
        variables.formUnion(other.variables)
        isOfHost = isOfHost || other.isOfHost
    }
}

/// Follows names through parameters and group variables to their final dependencies.
struct DependencyFinder {
    let groups: GroupScope
    /// For each role, the plans of its parameters.
    let plans: [[String: ParameterPlan]]
    let roles: [RoleDefinition]
    private var knownNames: [String: NameDependencies] = [:]
    private var knownParameters: [Int: [String: NameDependencies]] = [:]

    init(groups: GroupScope, plans: [[String: ParameterPlan]], roles: [RoleDefinition]) {
        self.groups = groups
        self.plans = plans
        self.roles = roles
    }

    /// The dependencies of a name that the templates of a role read.
    mutating func of(_ name: String, role: Int) -> NameDependencies {
        guard let plan = plans[role][name], let parameter = roles[role].parameter(name) else {
            return of(name)
        }
        if let known = knownParameters[role]?[name] { return known }
        var found = NameDependencies()
        found.variables.insert(roles[role].name)
        if let flat = parameter.inventoryName { found.variables.insert(flat) }
        // In a cycle, this incomplete entry is found; the cycle is reported when it is computed.
        knownParameters[role, default: [:]][name] = found
        if case .computed(let source, let scope, _) = plan {
            for root in Set(source.uses.compactMap(\.path.first)) {
                found.formUnion(scope == .role ? of(root, role: role) : of(root))
            }
        }
        knownParameters[role, default: [:]][name] = found
        return found
    }

    /// The dependencies of a name that inventory variables or site.yaml read.
    mutating func of(_ name: String) -> NameDependencies {
        switch name {
        case "facts", "inventory_hostname", "inventory_hostname_short":
            return NameDependencies(variables: [], isOfHost: true)
        case "group_names", "groups": return NameDependencies()
        default: break
        }
        if let known = knownNames[name] { return known }
        var found = NameDependencies()
        let override = groups.overrides.variables[name]?.source
        if override == nil { found.variables.insert(name) }
        knownNames[name] = found
        if let source = override ?? (try? groups.source(of: name)) ?? nil {
            for root in Set(source.uses.compactMap(\.path.first)) { found.formUnion(of(root)) }
        }
        knownNames[name] = found
        return found
    }
}
