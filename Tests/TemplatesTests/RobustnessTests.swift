import Diagnostics
import Templates
import Testing
import Values

/// Input that no one would write: the parser never crashes, and faults always have places.
@Suite struct RobustnessTests {
    private static var context: TemplateContext {
        TemplateContext(
            ValueMap([("a", .integer(1)), ("s", .string("text")), ("l", .list([.integer(1)]))]))
    }

    /// Parses and, where that goes well, renders.
    private static func exercise(_ text: String) {
        let source = SourceText(name: "fuzz", text: text)
        do throws(Faults) {
            let template = try Template(parsing: source)
            _ = template.names
            _ = try template.render(context)
        } catch {
            #expect(!error.all.isEmpty)
            #expect(error.all.allSatisfy { $0.place != nil }, "\(text.debugDescription)")
            for fault in error.all { #expect(!fault.text.isEmpty) }
        }
        let place = Place(source: source, line: 1, column: 1)
        do throws(Faults) { _ = try Expression(parsing: text, at: place).evaluate(context) } catch {
            #expect(!error.all.isEmpty)
        }
    }

    private static let pieces = [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "'", "\"", "\\", "(", ")", "[", "]", "{", "}",
        "|", ".", ",", ":", "=", "==", "~", "*", "**", "//", "%", "<", "!=", " ", "\n", "\r",
        "\r\n",
        "if ", "elif ", "else", "endif", "for ", " in ", "endfor", "set ", "endset", "raw",
        "endraw",
        "include ", "with ", "endwith", "loop", "loop.index", "a", "s", "l", "not ", "and ", "or ",
        "is ", "defined", "0", "1", "1.5", "1e", "0x", "join", "default", "map", "select", "range(",
        "namespace(", "é", "e\u{301}", "\u{0}", "日", "\u{feff}", "\u{2028}", "true", "none", "__",
        "regex_search('", "(a+)+", "[", "{1,2}", "(?",
    ]

    @Test(.timeLimit(.minutes(2)), arguments: 0..<8)
    func piecesInAnyOrderNeverCrash(_ seed: Int) {
        var generator = Generator(seed: UInt64(seed) &+ 7000)
        for _ in 0..<1500 {
            var text = ""
            for _ in 0..<(1 + generator.below(25)) { text += generator.pick(Self.pieces) }
            Self.exercise(text)
        }
    }

    @Test(.timeLimit(.minutes(2))) func bytesInAnyOrderNeverCrash() {
        var generator = Generator(seed: 99)
        for _ in 0..<3000 {
            let bytes = (0..<generator.below(60)).map { _ in UInt8(generator.below(256)) }
            Self.exercise(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test(.timeLimit(.minutes(2))) func templatesCutOffNeverCrash() {
        var generator = Generator(seed: 5)
        for _ in 0..<60 {
            let text = Array(generator.template().unicodeScalars)
            for _ in 0..<20 {
                var cut = String.UnicodeScalarView()
                cut.append(contentsOf: text.prefix(generator.below(text.count + 1)))
                Self.exercise(String(cut))
            }
        }
    }

    @Test(arguments: [
        String(repeating: "(", count: 5000), String(repeating: "[", count: 5000) + "1",
        String(repeating: "not ", count: 5000) + "a", String(repeating: "-", count: 5000) + "1",
        "a" + String(repeating: " + 1", count: 5000), "a" + String(repeating: ".b", count: 5000),
        "a" + String(repeating: " | string", count: 5000),
        "a" + String(repeating: " ~ 'x'", count: 5000),
        "s is match('" + String(repeating: "(", count: 500) + "')",
        "('a' * 2000) is match('(?:a|b)*c')", "('ab' * 5000000) | length", "'x' * 99999999",
        "[1] * 9999999999", "(" + String(repeating: "1 if a else ", count: 3000) + "1)",
    ])
    func depthAndSizeAreBounded(_ expression: String) {
        Self.exercise("{{ \(expression) }}")
        Self.exercise(expression)
    }

    @Test func statementsNestOnlySoDeep() throws {
        let text =
            String(repeating: "{% if a %}", count: 3000)
            + String(repeating: "{% endif %}", count: 3000)
        let faults = try #require(throws: Faults.self) {
            try Template(parsing: SourceText(name: "deep", text: text))
        }
        #expect(faults.all.first?.summary == "tags nested more than 50 deep")
    }
}
