import Diagnostics
import Testing
import Values
import Wire

@testable import YAML

/// What documents become: values, places, texts, tags.
@Suite struct NodeTests {
    private func node(_ text: String) throws -> Node {
        try #require(try YAMLReader.parse(SourceText(name: "t.yaml", text: text)))
    }

    private func json(_ text: String) throws -> String { try node(text).value.json.canonicalText }

    @Test(arguments: ["", "\n", "# only a comment\n", "---\n", "---\n...\n", "\u{FEFF}"])
    func emptyDocumentIsNil(text: String) throws {
        #expect(try YAMLReader.parse(SourceText(name: "t.yaml", text: text)) == nil)
    }

    @Test func explicitNullIsANode() throws {
        #expect(try node("~").isNull)
        #expect(try node("null").isNull)
    }

    @Test func textStyleAndReadingStandSideBySide() throws {
        let map = try node(
            "a: on\nb: 'on'\nc: 1.10\nd: \"x\\ty\"\ne: |\n  line\nf: >\n  two\n  lines\n")
        #expect(map["a"]?.scalar == Scalar(text: "on", style: .plain, reading: .bool(true)))
        #expect(
            map["b"]?.scalar == Scalar(text: "on", style: .singleQuoted, reading: .string("on")))
        #expect(map["c"]?.scalar == Scalar(text: "1.10", style: .plain, reading: .number(1.1)))
        #expect(
            map["d"]?.scalar
                == Scalar(text: "x\ty", style: .doubleQuoted, reading: .string("x\ty")))
        #expect(
            map["e"]?.scalar == Scalar(text: "line\n", style: .literal, reading: .string("line\n")))
        #expect(
            map["f"]?.scalar
                == Scalar(text: "two lines\n", style: .folded, reading: .string("two lines\n")))
    }

    @Test func placesCountFromOneInCodePoints() throws {
        let map = try node("a: 1\nlist:\n  - größe: 日本\n    second: \"quoted text\"\n")
        let inner = try #require(map["list"]?.list?.first)
        let value = try #require(inner["größe"]).place
        #expect((value.line, value.column, value.length) == (3, 12, 2))
        let key = try #require(inner.entry("second")).key.place
        #expect((key.line, key.column, key.length) == (4, 5, 6))
        let quoted = try #require(inner["second"]).place
        #expect((quoted.line, quoted.column, quoted.length) == (4, 13, 13))
    }

    @Test func placesAreRightAfterAByteOrderMarkAndUnusualLineEnds() throws {
        let marked = try node("\u{FEFF}a: 1\n")
        #expect(marked.entry("a")?.key.place.column == 2)
        let unusual = try node("# one \u{2028} # still line one\nab: 1\n")
        let place = try #require(unusual["ab"]).place
        #expect((place.line, place.column) == (2, 5))
        let windows = try node("a: 1\r\nb: 2\r\n")
        #expect(windows["b"]?.place.line == 2)
    }

    @Test func aliasesShareTheNodeAndItsPlace() throws {
        let map = try node("base: &b {x: 1}\nother: *b\n")
        #expect(map["other"]?["x"]?.text == "1")
        #expect(map["other"]?.place == map["base"]?.place)
    }

    @Test func anAnchorCanBeGivenAgain() throws {
        #expect(try json("[&a 1, *a, &a 2, *a]") == "[1,1,2,2]")
    }

    @Test func mergedKeysYieldToExplicitOnesAndEarlierMapsToNone() throws {
        let base = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\n"
        #expect(try node(base + "m:\n  <<: *x\n  b: 9\n")["m"]?.value.json == ["a": 1, "b": 9])
        #expect(try node(base + "m:\n  b: 9\n  <<: *x\n")["m"]?.value.json == ["a": 1, "b": 9])
        #expect(
            try node(base + "m:\n  <<: [*x, *y]\n  d: 5\n")["m"]?.value.json
                == ["a": 1, "b": 2, "c": 4, "d": 5])
        #expect(
            try node("z: &z\n  <<: {a: 1}\n  b: 2\nm: {<<: *z}\n")["m"]?.value.json
                == ["a": 1, "b": 2])
        // A quoted << is an ordinary key.
        #expect(try json("'<<': 1") == #"{"<<":1}"#)
    }

    @Test func mergedKeysKeepTheOrderOfPyYAML() throws {
        let text = "x: &x {a: 1, b: 2}\ny: &y {c: 3}\nm:\n  own: 0\n  <<: [*x, *y]\n  a: 9\n"
        #expect(try node(text)["m"]?.keys == ["c", "a", "b", "own"])
    }

    @Test func keysOfUntypedMapsReadAsJSONShowsThem() throws {
        #expect(
            try json("{10: a, yes: b, ~: c, 1.5: d, 0x10: e}")
                == #"{"1.5":"d","10":"a","16":"e","null":"c","true":"b"}"#)
        // A schema still finds the key by its text.
        #expect(try node("on: 1")["on"]?.text == "1")
    }

    @Test func vaultAndUnsafeKeepTheirTag() throws {
        let map = try node(
            "v: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\nu: !unsafe '{{ x }}'\nn: !unsafe 5\n")
        #expect(map["v"]?.isVault == true)
        #expect(map.firstVault?.place.line == 1)
        #expect(map["u"]?.isUnsafe == true)
        #expect(map["u"]?.text == "{{ x }}")
        #expect(
            map.ansibleJSON == [
                "v": ["__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n"],
                "u": ["__ansible_unsafe": "{{ x }}"], "n": 5,
            ])
    }

    @Test func tagsOfYAMLChangeTheReading() throws {
        #expect(
            try json("[!!str 12, !!int '12', !!float 3, !!bool 'yes', !!null '', ! 1, !!str on]")
                == #"["12",12,3.0,true,null,"1","on"]"#)
    }

    @Test func aTemplateInQuotesIsText() throws {
        #expect(try node("a: \"{{ x }}\"")["a"]?.text == "{{ x }}")
        #expect(try node("a: b {{ x }}")["a"]?.text == "b {{ x }}")
        #expect(try json("a: {b: {c: 1}}") == #"{"a":{"b":{"c":1}}}"#)
    }

    @Test func synthesisedNodesReadAsTheirValues() throws {
        let source = SourceText(name: "--set", text: "x=1")
        let place = Place(source: source, line: 1, column: 1)
        let value = Value.map(
            ValueMap([
                ("s", .string("on")), ("b", .bool(true)), ("n", .null), ("i", .integer(-3)),
                ("f", .number(1.5)), ("l", .list([.string("1"), .map(ValueMap())])),
            ]))
        let node = Node(value: value, place: place)
        #expect(node.value == value)
        #expect(node["s"]?.scalar?.isPlain == false)
        #expect(node["b"]?.text == "true")
    }
}
