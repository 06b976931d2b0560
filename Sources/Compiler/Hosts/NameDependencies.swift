import Templates

/// What the value of a name rests on in the end: variables of the host's own, its name, its facts.
struct NameDependencies {
    /// Inventory variables, given or not; where the host itself gives one, the value may differ.
    var variables: Set<String> = []
    /// Whether it rests on the host's name or its facts, and so differs from host to host.
    var isOfHost = false

    mutating func formUnion(_ other: NameDependencies) {
        variables.formUnion(other.variables)
        isOfHost = isOfHost || other.isOfHost
    }
}

/// Follows names through parameters and group variables to what they rest on.
struct DependencyFinder {
    let groups: GroupScope
    /// Per role the plans of its parameters.
    let plans: [[String: ParameterPlan]]
    let roles: [RoleDefinition]
    private var knownNames: [String: NameDependencies] = [:]
    private var knownParameters: [Int: [String: NameDependencies]] = [:]

    init(groups: GroupScope, plans: [[String: ParameterPlan]], roles: [RoleDefinition]) {
        self.groups = groups
        self.plans = plans
        self.roles = roles
    }

    /// What a name rests on where the templates of a role read it.
    mutating func of(_ name: String, role: Int) -> NameDependencies {
        guard let plan = plans[role][name], let parameter = roles[role].parameter(name) else {
            return of(name)
        }
        if let known = knownParameters[role]?[name] { return known }
        var found = NameDependencies()
        found.variables.insert(roles[role].name)
        if let flat = parameter.inventoryName { found.variables.insert(flat) }
        // A cycle is met here half-finished, and told when it is computed.
        knownParameters[role, default: [:]][name] = found
        if case .computed(let source, let scope, _) = plan {
            for root in Set(source.uses.compactMap(\.path.first)) {
                found.formUnion(scope == .role ? of(root, role: role) : of(root))
            }
        }
        knownParameters[role, default: [:]][name] = found
        return found
    }

    /// What a name rests on where inventory variables or site.yaml read it.
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
