import Diagnostics
import Inventory
import Templates
import Values

/// The names that templates of one role see on one host: its parameters, then the host's variables.
final class RoleScope {
    let role: RoleDefinition
    private let host: HostScope
    private let resolver: ParameterResolver
    /// By parameter; shared by hosts where the host itself gives nothing.
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

    /// Says which facts the next computation may read.
    func want(_ paths: [[String]]) {
        for path in paths where path.first == "facts" { host.facts.want(path) }
    }

    /// Computes every parameter, so that each wrong value is told, read or not.
    func computeAll(faults: inout DiagnosticBag) {
        for parameter in role.parameters {
            do {
                _ = try lookup(parameter.name)
            } catch {
                faults.add(error)
            }
        }
    }

    /// The value of a name; nil where there is none.
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
                // Facts that are missing are missed at the place that reads them.
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

    /// What a path leads to: all that a template which reads it can see of it.
    ///
    /// Where the path leads nowhere the nearest value above it decides, since a template may ask
    /// that one for a method of the same name.
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
