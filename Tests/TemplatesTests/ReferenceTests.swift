import Diagnostics
import Glibc
import Templates
import Testing
import Values
import Wire

/// What muster renders is held against the real Jinja2 with Ansible's filters.
@Suite struct ReferenceTests {
    private static let include = "<{{ n }}{% set n = 5 %}{{ n }}>\n"

    private struct Case {
        let isExpression: Bool
        let text: String
        let values: JSON

        var json: JSON {
            var members: [String: JSON] = [
                isExpression ? "expression" : "template": .string(text), "values": values,
            ]
            if text.contains("include") {
                members["includes"] = .object(["part": .string(ReferenceTests.include)])
            }
            return .object(members)
        }
    }

    /// Ours: the text or value, or the faults.
    private static func ours(_ one: Case) -> Result<JSON, Faults> {
        do throws(Faults) {
            guard case .map(let values) = Value(one.values) else { return .success(.null) }
            let context = TemplateContext(values) { (name) throws(Faults) -> Template? in
                guard name == "part" else { return nil }
                return try Template(parsing: SourceText(name: "part", text: include))
            }
            let source = SourceText(name: "case", text: one.text)
            if one.isExpression {
                let place = Place(source: source, line: 1, column: 1)
                return .success(try Expression(parsing: one.text, at: place).evaluate(context).json)
            }
            return .success(.string(try Template(parsing: source).render(context).text))
        } catch {
            return .failure(error)
        }
    }

    /// Compares all cases and gives the share that was accepted.
    private static func compare(_ cases: [Case]) throws -> Double {
        let answers = try Jinja.answers(cases.map(\.json))
        var accepted = 0
        var shown = 0
        func complain(_ one: Case, _ problem: String) {
            shown += 1
            guard shown <= 10 else { return }
            Issue.record("\(problem)\ncase: \(one.json.canonicalText)")
        }
        for (one, answer) in zip(cases, answers) {
            switch ours(one) {
            case .success(let value):
                accepted += 1
                let wanted: JSON =
                    .object([one.isExpression ? "value" : "text": value])
                guard let theirs = try? JSON(parsing: answer), theirs == wanted else {
                    complain(one, "ours: \(wanted.canonicalText)\ntheirs: \(answer)")
                    continue
                }
            case .failure(let faults):
                if faults.all.isEmpty || faults.all.contains(where: { $0.place == nil }) {
                    complain(one, "a fault without a place: \(faults.all.map(\.text))")
                }
            }
        }
        if shown > 10 { Issue.record("\(shown) cases differ") }
        return Double(accepted) / Double(cases.count)
    }

    /// The seed; `MUSTER_SEED` asks for another one, to look further.
    private static var seed: UInt64 {
        getenv("MUSTER_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20
    }

    @Test(.timeLimit(.minutes(5))) func templatesGiveTheTextOfJinja() throws {
        var generator = Generator(seed: Self.seed)
        let cases = (0..<1500).map { _ in
            Case(isExpression: false, text: generator.template(), values: generator.values())
        }
        let share = try Self.compare(cases)
        #expect(share > 0.6, "only \(share) of the templates are accepted")
    }

    @Test(.timeLimit(.minutes(5))) func expressionsGiveTheValueOfJinja() throws {
        var generator = Generator(seed: Self.seed &+ 1)
        let cases = (0..<2500).map { _ in
            let kind = generator.pick(Generator.Kind.allCases)
            return Case(
                isExpression: true, text: generator.expression(kind, 3), values: generator.values())
        }
        let share = try Self.compare(cases)
        #expect(share > 0.6, "only \(share) of the expressions are accepted")
    }
}
