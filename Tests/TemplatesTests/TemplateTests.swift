import Diagnostics
import Templates
import Testing
import Values

@Suite struct TemplateTests {
    private func template(_ text: String) throws -> Template {
        try Template(parsing: SourceText(name: "t.j2", text: text))
    }

    private func render(_ text: String, _ values: [(String, Value)] = []) throws -> Rendered {
        try template(text).render(TemplateContext(ValueMap(values)))
    }

    /// A place in a YAML file of that text.
    private func place(_ yaml: String, _ line: Int, _ column: Int) -> Place {
        Place(source: SourceText(name: "role.yaml", text: yaml), line: line, column: column)
    }

    // MARK: Values of YAML

    @Test func textWithoutMarkupStandsForItself() throws {
        let template = try Template.scalar("b { c\r\n", at: place("a: b", 1, 4))
        #expect(template.isLiteral)
        #expect(try template.evaluate(TemplateContext(ValueMap())) == .string("b { c\r\n"))
        #expect(template.names.isEmpty)
    }

    @Test(arguments: [
        Value.null, .bool(true), .integer(1), .number(1.5), .string("s"), .list([.null]),
        .map(ValueMap([("a", .integer(1))])),
    ])
    func oneExpressionKeepsItsType(_ value: Value) throws {
        let context = TemplateContext(ValueMap([("x", value)]))
        let template = try Template.scalar("{{ x }}", at: place("a: '{{ x }}'", 1, 4))
        #expect(!template.isLiteral)
        #expect(try template.evaluate(context) == value)
    }

    @Test func textAroundAnExpressionMakesText() throws {
        let template = try Template.scalar("{{ x }} ", at: place("a: '{{ x }} '", 1, 4))
        #expect(
            try template.evaluate(TemplateContext(ValueMap([("x", .integer(1))]))) == .string("1 "))
    }

    @Test(arguments: [
        // What the file says, the scalar's place, its text, and where the fault is.
        ("key: \"{{ nope }}\"", 1, 6, "{{ nope }}", "role.yaml:1:10"),
        ("key: a {{ nope }}", 1, 6, "a {{ nope }}", "role.yaml:1:11"),
        (
            "key: |\n  first\n  then {{ nope }}\n", 1, 6, "first\nthen {{ nope }}\n",
            "role.yaml:3:11"
        ),
        // Escapes change the text: the scalar's own place has to do.
        ("key: \"\\x61 {{ nope }}\"", 1, 6, "a {{ nope }}", "role.yaml:1:6"),
        ("key: >\n  first\n  then {{ nope }}\n", 1, 6, "first then {{ nope }}\n", "role.yaml:1:6"),
    ])
    func faultsArePlacedInTheFile(
        _ yaml: String, _ line: Int, _ column: Int, _ text: String, _ wanted: String
    ) throws {
        let template = try Template.scalar(text, at: place(yaml, line, column))
        let faults = try #require(throws: Faults.self) {
            try template.render(TemplateContext(ValueMap()))
        }
        #expect(faults.all.first?.place?.description == wanted)
    }

    // MARK: Names

    @Test(arguments: [
        ("{{ a }} {{ b.c['d'].e[0].f }}", [["a"], ["b", "c", "d", "e"]]),
        ("{{ a[b.c] }} {{ (a | first).x }}", [["a"], ["b", "c"], ["a"]]),
        (
            "{% for x in xs if x > y %}{{ x.z }}{{ loop.index }}{% else %}{{ x }}{% endfor %}",
            [["xs"], ["y"], ["x"]]
        ),
        (
            "{% set a = b %}{{ a }}{% for i in [1] %}{% set c = a %}{% endfor %}{{ c }}",
            [["b"], ["c"]]
        ),
        ("{% with a = a, b = 1 %}{{ a }}{{ b }}{% endwith %}{{ b }}", [["a"], ["b"]]),
        ("{% set t | replace(old, 'x') %}{{ inner }}{% endset %}{{ t }}", [["inner"], ["old"]]),
        ("{{ a if b else c | default(d) }}", [["b"], ["a"], ["c"], ["d"]]),
        ("{{ 'a' ~ -n ** m in [p, {'k': q}] }}", [["n"], ["m"], ["p"], ["q"]]),
        (
            "{{ xs | map(attribute='n', default=d) | select('gt', e) | list }}",
            [["xs"], ["d"], ["e"]]
        ),
        ("{{ m.get(k) }}{{ range(n) | list }}{{ 'x'.join(l) }}", [["m"], ["k"], ["n"], ["l"]]),
        ("{% set ns = namespace(v=a) %}{% set ns.v = b %}{{ ns.v }}", [["a"], ["b"]]),
    ])
    func namesAreThoseItDoesNotDefine(_ text: String, _ wanted: [[String]]) throws {
        #expect(try template(text).uses.map(\.path) == wanted)
    }

    @Test func guardedNamesMayBeUndefined() throws {
        let uses = try template(
            "{{ a is defined }}{{ b | default(c) }}{{ d | default(e) | default(1) }}{{ f }}"
        ).uses
        #expect(uses.filter(\.mayBeUndefined).map { $0.path[0] } == ["a", "b", "d", "e"])
        #expect(uses.map(\.place.column) == [4, 22, 34, 42, 54, 75])
    }

    @Test func includesAreListed() throws {
        let includes = try template("{% include 'a.j2' %}{% if x %}{% include \"b\" %}{% endif %}")
            .includes
        #expect(includes.map(\.name) == ["a.j2", "b"])
        #expect(includes.map(\.place.column) == [12, 42])
    }

    // MARK: Secrets

    private static let account = Value.map(
        ValueMap([
            ("name", .string("n")), ("token", .secret(.string("s3cret"))),
            ("list", .list([.string("a"), .secret(.string("b"))])),
        ]))

    @Test(arguments: [
        ("{{ x.name }}", false), ("{{ x.token }}", true), ("{{ x['token'] | length }}", true),
        ("{{ x.list[0] }}", false), ("{{ x.list | first }}", false), ("{{ x.list | last }}", true),
        ("{{ x.list | join }}", true), ("{{ x | to_json }}", true), ("{{ x | length }}", false),
        ("{{ [x] | map(attribute='name') | first }}", false),
        ("{{ [x] | map(attribute='token') | first }}", true),
        ("{{ [x] | selectattr('token', 'equalto', 'q') | list | length }}", true),
        ("{% if x.token == 'a' %}{% endif %}", true),
        ("{{ 'no' if false and x.token else '' }}", false),
        ("{% for k, v in x.items() %}{{ k }}{% endfor %}", true),
        ("{% set y = x.token %}", true), ("{{ x.get('token') }}", true),
        ("{% for e in x.list %}{{ loop.index }}{% endfor %}", false),
        ("{% for e in x.list %}{{ e }}{% endfor %}", true),
    ])
    func readingASecretTaintsTheText(_ text: String, _ isSecret: Bool) throws {
        #expect(try render(text, [("x", Self.account)]).isSecret == isSecret)
    }

    @Test func aSecretValueStaysOne() throws {
        let context = TemplateContext(ValueMap([("x", Self.account)]))
        let here = place("a: b", 1, 4)
        #expect(
            try Template.scalar("{{ x.token }}", at: here).evaluate(context)
                == .secret(.string("s3cret")))
        #expect(
            try Template.scalar("{{ x }}", at: here).evaluate(context) == Self.account,
            "members keep their own marks")
        #expect(
            try Expression(parsing: "x.token ~ '!'", at: here).evaluate(context)
                == .secret(.string("s3cret!")))
        #expect(
            try Template.scalar("-{{ x.token }}", at: here).evaluate(context)
                == .secret(.string("-s3cret")))
    }

    @Test(arguments: [
        "{{ x.token + 1 }}", "{{ x.token | int }}", "{{ x.token.nope }}", "{{ x.nope }}",
        "{{ {'a': 1}[x.token] }}", "{% for a in x.token %}{% endfor %}",
        "{{ x.token | b64decode }}",
        "{{ x.list | sum }}", "{{ x.token is version('1') }}", "{{ x.token % 1 }}",
    ])
    func faultsNeverQuoteASecret(_ text: String) throws {
        let faults = try #require(throws: Faults.self) { try render(text, [("x", Self.account)]) }
        #expect(faults.all.allSatisfy { !$0.text.contains("s3cret") })
    }

    // MARK: Contexts

    @Test func aLookupThatThrowsEndsTheRendering() throws {
        let missing = Diagnostic(.error, "facts-missing", "no facts of this host")
        let context = TemplateContext(lookup: { (_) throws(Faults) -> Value? in
            throw Faults(missing)
        })
        let expression = try Expression(parsing: "facts.x is defined", at: place("w: x", 1, 4))
        let faults = try #require(throws: Faults.self) { try expression.isTrue(context) }
        #expect(faults.all == [missing])
    }

    @Test func namesAddedStandInFront() throws {
        let context = TemplateContext(ValueMap([("a", .integer(1)), ("b", .integer(2))]))
            .adding(ValueMap([("a", .integer(3))]))
        #expect(try template("{{ a }}{{ b }}").render(context).text == "32")
    }

    // MARK: Conditions

    @Test(arguments: [
        ("x == 1", true), ("{{ x == 2 }}", false), (" {{- x > 0 -}} ", true),
        ("not (x is odd)", false),
        ("'a' in ['a', 'b'] and x", nil), ("x", nil), ("'yes'", nil), ("[]", nil), ("none", nil),
    ])
    func conditionsAreTrueOrFalse(_ text: String, _ wanted: Bool?) throws {
        let context = TemplateContext(ValueMap([("x", .integer(1))]))
        let expression = try Expression(parsing: text, at: place("when: \(text)", 1, 7))
        if let wanted {
            #expect(try expression.isTrue(context) == wanted)
        } else {
            let faults = try #require(throws: Faults.self) { try expression.isTrue(context) }
            #expect(faults.all.first?.code == "template-type")
        }
    }

    @Test(arguments: ["", "  ", "{{ x }} y", "x }}", "{{ x", "x y", "{{ x }}{{ y }}", "a: b"])
    func conditionsAreOneExpression(_ text: String) throws {
        #expect(throws: Faults.self) { try Expression(parsing: text, at: place("w: x", 1, 4)) }
    }
}
