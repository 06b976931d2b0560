import FleetModel
import Kinds
import Linux
import Wire

/// Behaviour of `expect`: compares facts with declared expectations.
package enum ExpectBehaviour: ResourceBehaviour {
    package enum Observation: Sendable {
        case value(JSON)
        /// The fact could not be read; the value is the reason.
        case unknown(String)
    }

    package static func observe(
        _ declarations: [ExpectDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let live = FactsSchema.sections(FactsSchema.live)
        let wanted = Set(declarations.map { String($0.fact.prefix { $0 != "." }) })
        let sections = wanted.intersection(live).sorted()
        let facts = host.facts(!wanted.isSubset(of: live), sections)
        return declarations.map { declaration in
            let section = String(declaration.fact.prefix { $0 != "." })
            let half = live.contains(section) ? facts["live"] : facts["hardware"]
            return .success(value(of: declaration.fact, in: half ?? .null))
        }
    }

    /// Follows a path; a key may itself contain dots, such as the name of a VLAN interface.
    private static func value(of path: String, in facts: JSON) -> Observation {
        let parts = path.split(separator: ".").map(String.init)
        if let found = follow(parts[...], in: facts), found != .null { return .value(found) }
        let unknown = facts["unknown"]?.object ?? [:]
        // The reason may be recorded for the path or for a part of the facts that contains it.
        for length in stride(from: parts.count, to: 0, by: -1) {
            if let reason = unknown[parts.prefix(length).joined(separator: ".")]?.string {
                return .unknown(reason)
            }
        }
        return .unknown("this host has no such fact")
    }

    private static func follow(_ parts: ArraySlice<String>, in json: JSON) -> JSON? {
        if parts.isEmpty { return json }
        for length in 1...parts.count {
            let key = parts.prefix(length).joined(separator: ".")
            if let inner = json[key], let found = follow(parts.dropFirst(length), in: inner) {
                return found
            }
        }
        return nil
    }

    package static func diff(
        _ declaration: ExpectDeclaration, _ observation: Observation
    ) -> Difference {
        switch observation {
        case .unknown(let reason):
            return .unknown("\(declaration.fact) is not known: \(reason)")
        case .value(let value):
            let text = ExpectDeclaration.text(value)
            if holds(declaration, value) {
                return .asDeclared("\(declaration.fact) is \(text)")
            }
            return .blocked(
                AgentFault(
                    "expectation",
                    "find \(declaration.fact) to be \(declaration.expectation)",
                    cause: "\(declaration.fact) is \(text), not \(declaration.expectation)",
                    hint: "expect changes nothing: correct the host or the expectation"))
        }
    }

    private static func holds(_ declaration: ExpectDeclaration, _ value: JSON) -> Bool {
        if let equals = declaration.equals { return same(value, equals) }
        if let choices = declaration.choices { return choices.contains { same(value, $0) } }
        if let pattern = declaration.pattern {
            return pattern.matches(ExpectDeclaration.text(value))
        }
        guard let number = value.double ?? value.string.flatMap(Double.init) else { return false }
        return number >= declaration.least ?? -.infinity && number <= declaration.most ?? .infinity
    }

    /// Whether two values are equal: numbers by value, CPU lists as sets, others by their text.
    private static func same(_ left: JSON, _ right: JSON) -> Bool {
        if left == right { return true }
        if let one = left.double ?? left.string.flatMap(Double.init),
            let two = right.double ?? right.string.flatMap(Double.init)
        {
            return one == two
        }
        let one = ExpectDeclaration.text(left)
        let two = ExpectDeclaration.text(right)
        if one == two { return true }
        guard let cpus = try? CPUList(parsing: one), let others = try? CPUList(parsing: two),
            !cpus.isEmpty
        else { return false }
        return cpus == others
    }

    package static func beforeImages(
        _ declaration: ExpectDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] { [] }

    package static func apply(
        _ declaration: ExpectDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {}
}
