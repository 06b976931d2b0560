import Diagnostics
import Inventory
import Values
import Wire
import YAML

/// Where a value of a host comes from: all candidates, and the one that wins.
package struct Explanation: Sendable, Equatable {
    package struct Candidate: Sendable, Equatable {
        package let place: Place
        /// `default of the role`, `group ld4`, `argument in site.yaml`, `host`, `--set`.
        package let giver: String
        /// The text as written, or `(secret)`.
        package let text: String
    }

    /// `low_latency.swappiness` for a parameter, else the variable's name.
    package let name: String
    /// From low to high precedence; the last one wins.
    package let candidates: [Candidate]
    /// The final value on the host; `{"secret": DIGEST}` for a secret; nil if it has faults.
    package let value: JSON?
    /// Why the value cannot be computed.
    package let faults: [Diagnostic]

    /// The JSON form, for machine-readable output.
    package var json: JSON {
        .compact([
            "name": .string(name),
            "value": value,
            "candidates": .array(
                candidates.enumerated().map { index, candidate in
                    .object([
                        "giver": .string(candidate.giver), "text": .string(candidate.text),
                        "place": .string(candidate.place.description),
                        "wins": .bool(index == candidates.count - 1),
                    ])
                }),
            "faults": faults.isEmpty ? nil : .array(faults.map(\.json)),
        ])
    }
}

extension HostCompiler {
    /// Explains `NAME`, `ROLE.PARAMETER`, or every parameter of `ROLE`.
    ///
    /// A plain name means the variable, and every parameter with that name or with `from` naming
    /// it. Throws if the host has neither.
    func explain(_ host: String, _ name: String, facts input: HostFactsInput) throws(Faults)
        -> [Explanation]
    {
        guard let variables = sources.inventory.variables(of: host) else {
            throw Faults(
                Diagnostic(
                    "unknown-host", "there is no host \"\(host)\"",
                    hint: NearestName.hint(for: host, in: sources.inventory.hosts),
                    exitCode: .usage))
        }
        let hostClass = hostClass(of: variables)
        let scope = HostScope(
            variables, shared: hostClass.groups, facts: FactsScope(input, host: host))
        let explainer = Explainer(hostClass: hostClass, scope: scope, variables: variables)
        return try explainer.explain(name)
    }
}

/// Finds everything on one host that a name refers to, and explains it.
private struct Explainer {
    let hostClass: HostClass
    let scope: HostScope
    let variables: HostVariables

    func explain(_ name: String) throws(Faults) -> [Explanation] {
        var all: [Explanation] = []
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        let isRole = hostClass.roles.contains { $0.role.name == name }
        if !isRole, let variable = variable(name) { all.append(variable) }
        for role in hostClass.roles {
            let roleScope = RoleScope(
                role.resolver,
                plans: role.plans(groups: variables.fromGroups, own: variables.own), host: scope)
            for parameter in role.role.parameters {
                let isMeant =
                    parts.count == 2
                    ? role.role.name == parts[0] && parameter.name == parts[1]
                    : role.role.name == name || parameter.name == name
                        || parameter.inventoryName == name
                if isMeant { all.append(explain(parameter, of: role, in: roleScope)) }
            }
        }
        if !all.isEmpty || isRole { return all }
        throw Faults(
            Diagnostic(
                "unknown-name", "\(scope.host) has no variable or parameter \"\(name)\"",
                hint: NearestName.hint(for: name, in: knownNames) ?? parameters(of: parts[0]),
                exitCode: .usage))
    }

    /// A hint: the parameters of the role, or the roles of the host.
    private func parameters(of role: String) -> String {
        let roles = hostClass.roles.map(\.role)
        guard let role = roles.first(where: { $0.name == role }) else {
            return "its roles are \(roles.map(\.name).joined(separator: ", "))"
        }
        let names = role.parameters.map(\.name)
        return names.isEmpty
            ? "role \(role.name) has no parameters"
            : "role \(role.name) has \(names.joined(separator: ", "))"
    }

    private var knownNames: [String] {
        variables.names.sorted() + hostClass.roles.map(\.role.name)
            + hostClass.roles.flatMap { role in
                role.role.parameters.flatMap { [$0.name, "\(role.role.name).\($0.name)"] }
            }
    }

    private func variable(_ name: String) -> Explanation? {
        var candidates = variables.candidates(name).map {
            Explanation.Candidate(
                place: $0.origin, giver: $0.level.text,
                text: text(of: $0.node, isHidden: isHidden(name)))
        }
        if let given = hostClass.groups.overrides.variables[name] {
            candidates.append(
                Explanation.Candidate(
                    place: given.place, giver: "--set",
                    text: isHidden(name) ? "(secret)" : given.text))
        }
        guard !candidates.isEmpty else { return nil }
        return explanation(name, candidates, isHidden: isHidden(name)) { () throws(Faults) in
            try scope.lookup(name)
        }
    }

    /// Whether a secret parameter takes its value from a variable.
    private func isHidden(_ name: String) -> Bool {
        hostClass.roles.contains { role in
            role.role.parameters.contains {
                $0.type.holdsSecret && ($0.inventoryName == name || role.role.name == name)
            }
        }
    }

    private func explain(
        _ parameter: ParameterDefinition, of role: RoleClass, in roleScope: RoleScope
    ) -> Explanation {
        let isHidden = parameter.type.holdsSecret
        let candidates = role.resolver.givens(
            parameter, groups: variables.fromGroups, own: variables.own
        ).map { given in
            Explanation.Candidate(
                place: given.place, giver: given.giver,
                text: isHidden ? "(secret)" : given.text)
        }
        return explanation(
            "\(role.role.name).\(parameter.name)", candidates, isHidden: isHidden
        ) { () throws(Faults) in
            try roleScope.lookup(parameter.name)
        }
    }

    private func explanation(
        _ name: String, _ candidates: [Explanation.Candidate], isHidden: Bool,
        _ value: () throws(Faults) -> Value?
    ) -> Explanation {
        do {
            let found = try value() ?? .null
            let json = isHidden || found.holdsSecret ? Self.digest(of: found) : found.json
            return Explanation(name: name, candidates: candidates, value: json, faults: [])
        } catch {
            return Explanation(name: name, candidates: candidates, value: nil, faults: error.all)
        }
    }

    private static func digest(of value: Value) -> JSON {
        if value.revealed == .null { return .null }
        let bytes = value.revealed.json.string.map { Array($0.utf8) } ?? value.json.canonicalBytes
        return ["secret": .string(Digest(of: bytes).description)]
    }

    private func text(of node: Node, isHidden: Bool) -> String {
        isHidden ? "(secret)" : ParameterGiven.text(of: node)
    }
}
