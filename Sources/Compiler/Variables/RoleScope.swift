import Diagnostics
import Inventory
import Templates
import Values

/// The names for templates of a role on one host: its parameters, then the host's variables.
final class RoleScope {
    let role: RoleDefinition
    private let host: HostScope
    private let resolver: ParameterResolver
    /// The plans by parameter, shared by hosts that set none of the parameters themselves.
    private let plans: [String: ParameterPlan]
    private var slots: [String: HostScope.Slot] = [:]

    init(_ resolver: ParameterResolver, plans: [String: ParameterPlan], host: HostScope) {
        role = resolver.role
        self.resolver = resolver
        self.plans = plans
        self.host = host
    }

    var context: TemplateContext {
        let templates = role.templates.templates
        return TemplateContext(
            lookup: { (name) throws(Faults) -> Value? in try self.lookup(name) },
            include: { templates[$0] },
            knownNames: { self.plans.keys + self.host.knownNames })
    }

    /// Announces the facts that the next computation may read.
    func want(_ paths: [[String]]) {
        for path in paths where path.first == "facts" { host.facts.want(path) }
    }

    /// Computes all parameters, so that faults are reported even for unused ones.
    func computeAll(faults: inout DiagnosticBag) {
        for parameter in role.parameters {
            do {
                _ = try lookup(parameter.name)
            } catch {
                faults.add(error)
            }
        }
    }

    /// The value of a name; nil if it has none.
    func lookup(_ name: String) throws(Faults) -> Value? {
        guard let plan = plans[name] else { return try host.lookup(name) }
        switch plan {
        case .fixed(let value): return value
        case .failed(let faults): throw faults
        case .computed(let source, let scope, let place):
            switch slots[name] {
            case .value(let value): return value
            case .failed(let faults): throw faults
            case .evaluating: throw host.cycle(label(name))
            case nil: break
            }
            slots[name] = .evaluating
            do {
                let value = try host.evaluating(label(name), place) { () throws(Faults) in
                    try compute(name, source, scope)
                }
                slots[name] = .value(value)
                return value
            } catch {
                // Missing facts are reported at the place that reads them.
                let faults = Faults(
                    error.all.map { fault in
                        var placed = fault
                        if placed.place == nil { placed.place = place }
                        return placed
                    })
                slots[name] = .failed(faults)
                throw faults
            }
        }
    }

    private func compute(
        _ name: String, _ source: ValueSource, _ scope: ParameterGiven.Scope
    ) throws(Faults) -> Value? {
        guard let parameter = role.parameter(name) else { return nil }
        host.facts.want(source.uses)
        return try resolver.value(
            of: source, for: parameter, scope == .role ? context : host.context)
    }

    private func label(_ name: String) -> String { "\(role.name).\(name)" }

    /// The value at a path, which determines everything that a template reading it can see.
    ///
    /// If the path does not exist, the nearest value above it is returned: the last part may be a
    /// method of that value.
    func value(at path: [String]) throws(Faults) -> Value? {
        guard let root = path.first, var value = try lookup(root) else { return nil }
        for step in path.dropFirst() {
            guard case .map(let map) = value, let next = map[step], !Self.methods.contains(step)
            else { return value }
            value = next
        }
        return value
    }

    private static let methods: Set<String> = ["items", "keys", "values", "get"]
}
