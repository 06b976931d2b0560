import FleetModel
import Wire

/// A declared `expect`: a fact of the host that must hold and that nobody changes from here.
package struct ExpectDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .expect,
        "A fact that must hold and is not managed: hardware, firmware, what the BIOS left.",
        traits: KindTraits(
            changes: .claims, reads: .anything, names: .exact, remains: .nothing, rivals: []),
        nameType: .string, nameSummary: "What is expected, in words: memory of a trading host.",
        states: [],
        attributes: [
            AttributeSchema(
                "fact", .string, required: true,
                "The path of a fact, as muster facts prints it: memory_bytes, cpu.model, "
                    + "nics.ens1f0.numa_node, links.ens1f0.speed_mbit, clock.source."),
            AttributeSchema("equals", .any, "The one value."),
            AttributeSchema("one_of", .list(.any), "The values of which it is to be one."),
            AttributeSchema("at_least", .number, "The least number."),
            AttributeSchema("at_most", .number, "The largest number."),
            AttributeSchema(
                "matches", .string, "An expression of grep -E that some part of the text matches."),
        ],
        notes: [
            "It holds, or it fails the host with what was found, or it is unknown, with the reason "
                + "why the fact could not be read. apply changes nothing about it, and skips what "
                + "requires it.",
            "Facts are read on the host at each check, hardware ones too.",
        ],
        example: """
            - expect: the clock is the processor's
              fact: clock.source
              equals: tsc
            """)

    package let name: String
    /// The parts of the fact's path.
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
                nil, given == 0 ? "nothing is expected of it" : "it expects two kinds of things",
                hint: "give one of equals, one_of, matches, and at_least with at_most")
        }
    }

    /// What is expected, in words: `at least 64`.
    package var expectation: String {
        if let equals { return ExpectDeclaration.text(equals) }
        if let choices {
            return "one of " + choices.map(ExpectDeclaration.text).joined(separator: ", ")
        }
        if let pattern { return "a text that \(pattern.pattern) matches" }
        let bounds = [
            least.map { "at least \(ExpectDeclaration.text($0))" },
            most.map { "at most \(ExpectDeclaration.text($0))" },
        ].compactMap { $0 }
        return bounds.joined(separator: " and ")
    }

    /// A value as people write it.
    package static func text(_ json: JSON) -> String { json.string ?? json.canonicalText }

    private static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }

    package var owns: [Claim] { [.knobs("the expectation \(name)")] }
}
