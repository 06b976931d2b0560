import FleetModel
import Wire

/// A declared `expect`: a fact of the host that is checked but never changed.
package struct ExpectDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .expect,
        "A fact that is checked but not managed: hardware, firmware, BIOS settings.",
        traits: KindTraits(
            changes: .claims, reads: .anything, names: .exact, remains: .nothing, rivals: []),
        nameType: .string, nameSummary: "A label for the expectation: memory of a trading host.",
        states: [],
        attributes: [
            AttributeSchema(
                "fact", .string, required: true,
                "The path of a fact, as muster facts prints it: memory_bytes, cpu.model, "
                    + "nics.ens1f0.numa_node, links.ens1f0.speed_mbit, clock.source."),
            AttributeSchema("equals", .any, "The only valid value."),
            AttributeSchema("one_of", .list(.any), "The list of valid values."),
            AttributeSchema("at_least", .number, "The smallest valid number."),
            AttributeSchema("at_most", .number, "The largest valid number."),
            AttributeSchema(
                "matches", .string,
                "A regular expression, as for grep -E, that must match some part of the text."),
        ],
        notes: [
            "If the fact has another value, the resource fails and shows the value found; if the "
                + "fact cannot be read, the state is unknown and the reason is shown. In both"
                + " cases "
                + "apply changes nothing and skips resources that require this one.",
            "Facts, including those about hardware, are read from the host at each check.",
        ],
        example: """
            - expect: the clock is the processor's
              fact: clock.source
              equals: tsc
            """)

    package let name: String
    /// The path of the fact: `clock.source`.
    package let fact: String
    package let equals: JSON?
    package let choices: [JSON]?
    package let least: Double?
    package let most: Double?
    package let pattern: PosixExpression?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        fact = try reader.string("fact")
        let section = String(fact.prefix { $0 != "." })
        let sections = FactsSchema.sections(FactsSchema.hardware + FactsSchema.live)
        guard sections.contains(section) else {
            throw AttributeFault(
                "fact", "there is no fact \(ScalarText.shown(fact))",
                hint: "the sections are \(sections.sorted().joined(separator: ", "))")
        }
        equals = reader.has("equals") ? attributes["equals"] : nil
        choices = reader.has("one_of") ? attributes["one_of"]?.array : nil
        least = reader.has("at_least") ? attributes["at_least"]?.double : nil
        most = reader.has("at_most") ? attributes["at_most"]?.double : nil
        do throws(ValueFault) {
            pattern =
                try reader.has("matches")
                ? attributes["matches"]?.string.map { (text) throws(ValueFault) in
                    try PosixExpression(text)
                } : nil
        } catch {
            throw AttributeFault("matches", error.message, hint: error.hint)
        }
        let given = [
            equals != nil, choices != nil, least != nil || most != nil, pattern != nil,
        ].count(where: { $0 })
        guard given == 1 else {
            throw AttributeFault(
                nil,
                given == 0
                    ? "no expected value is given" : "several kinds of expectation are given",
                hint: "give equals, one_of, matches, or at_least and at_most")
        }
    }

    /// The expectation for messages: `at least 64`.
    package var expectation: String {
        if let equals { return ExpectDeclaration.text(equals) }
        if let choices {
            return "one of " + choices.map(ExpectDeclaration.text).joined(separator: ", ")
        }
        if let pattern { return "text that matches \(pattern.pattern)" }
        let bounds = [
            least.map { "at least \(ExpectDeclaration.text($0))" },
            most.map { "at most \(ExpectDeclaration.text($0))" },
        ].compactMap { $0 }
        return bounds.joined(separator: " and ")
    }

    /// A value for messages: strings without quotes, anything else as JSON.
    package static func text(_ json: JSON) -> String { json.string ?? json.canonicalText }

    private static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }

    package var owns: [Claim] { [.knobs("the expectation \(name)")] }
}
