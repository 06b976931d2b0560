import Diagnostics
import Inventory
import Kinds
import Templates
import Values
import YAML

/// How a parameter gets its value on a class of hosts.
enum ParameterPlan {
    /// The same value on all of these hosts.
    case fixed(Value)
    /// A value computed from templates on each host.
    case computed(ValueSource, scope: ParameterGiven.Scope, place: Place)
    case failed(Faults)
}

/// Resolves the parameters of one carried role; only the host's own variables are passed in.
struct ParameterResolver {
    let role: RoleDefinition
    let carried: Assignment.Carried
    let overrides: Overrides

    /// All values given for a parameter, from low to high precedence; the last one wins.
    ///
    /// The order is: role default, groups from `all` down, argument in site.yaml, host, `--set`.
    func givens(
        _ parameter: ParameterDefinition, groups: GroupVariables,
        own: [String: [VariableCandidate]]
    ) -> [ParameterGiven] {
        var all: [ParameterGiven] = []
        if let source = parameter.defaultSource {
            all.append(
                ParameterGiven(
                    source, place: source.place, giver: "default of the role", scope: .role))
        }
        all += ParameterCandidates.of(parameter, role: role.name) { groups.candidates[$0] ?? [] }
        if let argument = carried.arguments[parameter.name] {
            all.append(
                ParameterGiven(
                    argument.source, place: argument.place, giver: "argument in site.yaml",
                    scope: .host))
        }
        if !own.isEmpty {
            all += ParameterCandidates.of(parameter, role: role.name) { own[$0] ?? [] }
        }
        if let name = parameter.inventoryName, let given = overrides.variables[name] {
            all.append(
                ParameterGiven(given.source, place: given.place, giver: "--set", scope: .host))
        }
        if let given = overrides.parameters[role.name]?[parameter.name] {
            all.append(
                ParameterGiven(given.source, place: given.place, giver: "--set", scope: .host))
        }
        return all
    }

    /// The plan of a parameter, from the value with the highest precedence.
    func plan(
        _ parameter: ParameterDefinition, groups: GroupVariables,
        own: [String: [VariableCandidate]] = [:]
    ) -> ParameterPlan {
        guard let winner = givens(parameter, groups: groups, own: own).last else {
            return parameter.isOptional ? .fixed(.null) : .failed(Faults(missing(parameter)))
        }
        do {
            let source = try winner.parsed()
            guard source.isLiteral else {
                return .computed(source, scope: winner.scope, place: winner.place)
            }
            return .fixed(try value(of: source, for: parameter, TemplateContext(ValueMap())))
        } catch {
            return .failed(error)
        }
    }

    /// The value of a source for a parameter, checked for type, bounds and null.
    func value(
        of source: ValueSource, for parameter: ParameterDefinition, _ context: TemplateContext
    ) throws(Faults) -> Value {
        let what = "\(parameter.name) of the role \(role.name)"
        let value = try TypedReading.value(
            of: source, as: parameter.type, what: what, in: context)
        if value.revealed == .null, !parameter.isOptional {
            throw Faults(
                Diagnostic(
                    "wrong-type", "\(what) is null", at: source.place,
                    hint: "the role does not declare it as optional",
                    related: [Diagnostic.Related(parameter.place, "the parameter")]))
        }
        if let fault = parameter.fault(of: value) {
            throw Faults(
                Diagnostic(
                    "out-of-range", "\(what): \(fault.message)", at: source.place,
                    hint: fault.hint,
                    related: [Diagnostic.Related(parameter.place, "the parameter")]))
        }
        return value
    }

    private func missing(_ parameter: ParameterDefinition) -> Diagnostic {
        let name = parameter.name
        let flat = parameter.inventoryName.map { ", or as the variable \($0)" } ?? ""
        return Diagnostic(
            "no-value", "the role \(role.name) has no value for its parameter \"\(name)\"",
            at: carried.place,
            hint:
                "set it for the host or one of its groups, \"\(role.name): {\(name): …}\"\(flat), "
                + "or as an argument of the role in site.yaml",
            related: [Diagnostic.Related(parameter.place, "the parameter has no default")])
    }

    /// The faults of the values under the role's name in some variables.
    func faults(in candidates: [VariableCandidate]) -> [Diagnostic] {
        var faults: [Diagnostic] = []
        for candidate in candidates where !candidate.node.isNull {
            guard let entries = candidate.node.map else {
                faults.append(
                    Diagnostic(
                        "wrong-type",
                        "\(role.name) is \(candidate.node.kindText), but also the name of a role",
                        at: candidate.origin,
                        cause: "a variable with the name of a role must be a map of its parameters",
                        hint: "write a map, or rename the variable",
                        related: [Diagnostic.Related(role.place, "the role")]))
                continue
            }
            for entry in entries {
                let key = entry.key.keyText
                if role.parameter(key) != nil { continue }
                faults.append(
                    unknown(key, at: entry.key.place))
            }
        }
        return faults
    }

    func unknown(_ name: String, at place: Place) -> Diagnostic {
        let known = role.parameters.map(\.name)
        return Diagnostic(
            "unknown-parameter", "the role \(role.name) has no parameter \"\(name)\"", at: place,
            hint: NearestName.hint(for: name, in: known)
                ?? (known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))"),
            related: [Diagnostic.Related(role.place, "the role")])
    }
}
