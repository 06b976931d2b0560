import Diagnostics
import Templates
import Testing
import Values
import Wire

@Suite struct TemplateTests {
    private func render(_ text: String, _ values: [String: Value] = [:]) throws -> Rendered {
        let template = try Template(parsing: SourceText(name: "t.j2", text: text))
        return try template.render(TemplateContext(ValueMap(values.map { ($0, $1) })))
    }

    @Test func textWithoutMarkupStandsForItself() throws {
        let place = Place(source: SourceText(name: "role.yaml", text: "a: b"), line: 1, column: 4)
        let template = try Template.scalar("b { c", at: place)
        #expect(template.isLiteral)
        #expect(try template.evaluate(TemplateContext(ValueMap())) == .string("b { c"))
    }

    @Test func aLoopOverAMapGivesItsPairs() throws {
        let map = Value.map(ValueMap([("b", .integer(1)), ("a", .number(2))]))
        let text =
            "{% for k, v in m.items() %}{{ k }}={{ v }}{{ '' if loop.last else ',' }}{% endfor %}"
        #expect(try render(text, ["m": map]).text == "b=1,a=2.0")
    }

    @Test func oneExpressionKeepsItsType() throws {
        let place = Place(
            source: SourceText(name: "role.yaml", text: "a: '{{ x }}'"), line: 1, column: 4)
        let template = try Template.scalar("{{ x }}", at: place)
        let context = TemplateContext(ValueMap([("x", .list([.integer(1)]))]))
        #expect(try template.evaluate(context) == .list([.integer(1)]))
        #expect(template.names == [["x"]])
    }

    @Test func readingASecretTaintsTheText() throws {
        let secret = Value.map(
            ValueMap([("token", .secret(.string("s"))), ("name", .string("n"))]))
        #expect(
            try render("a {{ x.token }}", ["x": secret]) == Rendered(text: "a s", isSecret: true))
        #expect(
            try render("a {{ x.name }}", ["x": secret]) == Rendered(text: "a n", isSecret: false))
    }

    @Test func anUndefinedNameHasAPlaceAndASuggestion() throws {
        let fault = #expect(throws: Faults.self) {
            try render("a\n {{ swapiness }}", ["swappiness": .integer(1)])
        }
        #expect(
            fault?.all.first?.text == """
                t.j2:2:5: error: "swapiness" is undefined
                  2 |  {{ swapiness }}
                    |     ^^^^^^^^^
                  hint: did you mean "swappiness"?
                """)
    }
}
