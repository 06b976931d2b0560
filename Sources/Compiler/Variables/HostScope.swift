import Diagnostics
import Inventory
import Templates
import Values
import YAML

/// The variables of one host, each computed when it is first read.
final class HostScope {
    enum Slot {
        case evaluating
        case value(Value?)
        case failed(Faults)
    }

    let host: String
    let variables: HostVariables
    let facts: FactsScope
    private let shared: GroupScope
    private var slots: [String: Slot] = [:]
    /// The names being computed, outermost first, used to detect cycles.
    private var path: [(label: String, place: Place)] = []

    init(_ variables: HostVariables, shared: GroupScope, facts: FactsScope) {
        host = variables.host
        self.variables = variables
        self.shared = shared
        self.facts = facts
    }

    /// The context of templates in inventory variables and site.yaml.
    var context: TemplateContext {
        TemplateContext(
            lookup: { (name) throws(Faults) -> Value? in try self.lookup(name) },
            knownNames: { self.knownNames })
    }

    /// Every name that can be read.
    var knownNames: [String] { Array(variables.names) + HostScope.builtIns }

    static let builtIns = [
        "facts", "group_names", "groups", "inventory_hostname", "inventory_hostname_short",
    ]

    /// The value of a name; nil if it has none.
    func lookup(_ name: String) throws(Faults) -> Value? {
        switch slots[name] {
        case .value(let value): return value
        case .failed(let faults): throw faults
        case .evaluating, nil: break
        }
        switch name {
        case "facts": return try facts.value()
        case "inventory_hostname": return .string(host)
        case "inventory_hostname_short":
            return .string(String(host.prefix { $0 != "." }))
        case "group_names": return shared.groupNames
        case "groups": return shared.fleet.groups
        default: break
        }
        guard let source = try source(of: name) else {
            slots[name] = .value(nil)
            return nil
        }
        if source.isLiteral {
            let value = try source.evaluate(context)
            slots[name] = .value(value)
            return value
        }
        if case .evaluating? = slots[name] { throw cycle(name) }
        slots[name] = .evaluating
        do {
            let value = try evaluating(name, source.place) { () throws(Faults) in
                facts.want(source.uses)
                return try source.evaluate(context)
            }
            slots[name] = .value(value)
            return value
        } catch {
            slots[name] = .failed(error)
            throw error
        }
    }

    private func source(of name: String) throws(Faults) -> ValueSource? {
        if let given = shared.overrides.variables[name] { return given.source }
        if let own = variables.own[name]?.last { return try VariableSource.parse(own) }
        return try shared.source(of: name)
    }

    /// Computes a named value and records the name, so that cycles are detected.
    func evaluating<T>(
        _ label: String, _ place: Place, _ body: () throws(Faults) -> T
    ) throws(Faults) -> T {
        path.append((label, place))
        defer { path.removeLast() }
        return try body()
    }

    /// The fault for a name whose value depends on itself.
    func cycle(_ label: String) -> Faults {
        let start = path.firstIndex { $0.label == label } ?? 0
        let steps = path[start...]
        let names = steps.map(\.label) + [label]
        return Faults(
            Diagnostic(
                "variable-cycle", "\(label) depends on itself: \(names.joined(separator: " → "))",
                at: steps.first?.place, hint: "give one of them a value that reads none of them",
                related: steps.dropFirst().map { Diagnostic.Related($0.place, $0.label) }))
    }
}

/// Parses the values of inventory variables.
enum VariableSource {
    /// Parses a candidate; throws if its templates read refused names.
    static func parse(_ candidate: VariableCandidate) throws(Faults) -> ValueSource {
        try parse(candidate.node)
    }

    static func parse(_ node: Node) throws(Faults) -> ValueSource {
        let source = try ValueSource(node)
        let refused = source.uses.flatMap(RefusedNames.faults)
        if !refused.isEmpty { throw Faults(refused) }
        return source
    }
}

/// The parsed variables of groups, shared by hosts in the same groups.
///
/// Not thread-safe.
final class GroupScope {
    let variables: GroupVariables
    let fleet: FleetNames
    let overrides: Overrides
    let groupNames: Value
    private var sources: [String: Result<ValueSource, Faults>] = [:]

    init(_ variables: GroupVariables, fleet: FleetNames, overrides: Overrides) {
        self.variables = variables
        self.fleet = fleet
        self.overrides = overrides
        groupNames = .list(
            variables.groups.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                .map { .string($0) })
    }

    /// The source of a variable in the groups; nil if no group sets it.
    func source(of name: String) throws(Faults) -> ValueSource? {
        if let known = sources[name] { return try known.get() }
        guard let winner = variables.candidates[name]?.last else { return nil }
        let result: Result<ValueSource, Faults>
        do {
            result = .success(try VariableSource.parse(winner))
        } catch {
            result = .failure(error)
        }
        sources[name] = result
        return try result.get()
    }
}
