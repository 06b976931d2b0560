import Linux
import TestSupport
import Testing
import Values
import Wire

@testable import Inventory

/// INI values and lines read as Python reads them.
@Suite struct PythonTests {
    static let literals: [String] = {
        var all = [
            "", "1", "-1", "+1", "- 1", "--1", "-(1)", "-((1))", "-(-1)", "(1)", "((1))", "1_000",
            "1__0", "_1", "1_", "0", "00", "0_0", "01", "0644", "0o644", "0O17", "0o8", "0x1F",
            "0X_f",
            "0x", "0b101", "0b2", "1.5", "1.", ".5", ".", "..", "...", "....", "1.5.2", "1e3",
            "1E3",
            "1e+3", "1e-3", "1e", "1.e2", "01.5", "01e2", "1_0.5_0", "1._5", "1_.5", "-0.0",
            "1e400",
            "1j", "1+2j", "1 + 2", "10G", "1 2", "1,2", "1,", ",1", "1,2,3", "1, 2, 'x'",
            "0-3,8-11",
            "True", "true", "False", "None", "none", "TRUE", "yes", "on", "'a'", "\"a\"", "'a' 'b'",
            "'a'b'c'", "'a", "a'b", "'a\\nb'", "r'a\\nb'", "R\"x\"", "u'x'", "b'x'",
            "b'\\xc3\\xa9'",
            "b'\u{e9}'", "'x' b'y'", "br'\\n'", "rb'\\n'", "bu'x'", "f'x'", "'\\x41'", "'\\u0041'",
            "'\\U0001F600'", "'\\101'", "'\\8'", "'\\q'", "'\\''", "'\"'", "\"it's\"", "'''a'''",
            "\"\"\"a\"b\"\"\"", "'\\x4'", "''", "\"\"", "' '", "[]", "[1]", "[1,]", "[1, 2", "[,]",
            "[1 2]", "[1, [2, (3, 4)]]", "()", "(1,)", "(1, 2)", "(1", "{}", "{1: 2}", "{'a': 1}",
            "{'a': 1,}", "{'a': 1, 'b': [1, {'c': None}]}", "{'a'}", "{\"a\": 1, \"a\": 2}",
            "{1: 1, False: 2, None: 3, 1.5: 4}", "{[1]: 2}", "{(1, 2): 3}", "{a: 1}", "{'a' 1}",
            "{{ x }}", "{{x}}", "{'a': {{ x }}}", "[a, b]", "set()", "set([1])", "dict()", "abc",
            "a.b.c", "10.0.0.1", "1.2.3.4", "/dev/null", "vm.swappiness", "a=b", "1 # one",
            "'a' # b",
            "a # b", "[1, 2] # x", "[1, # x", "#", "not True", "True,", "True and False",
            "1 if 1 else 2",
            "-True", "+None", "-'a'", "-[1]", "~1", "*a", "**a", "lambda: 0", "x y", "1;2", "é",
            "'é'",
            "日本", "2024-01-02", "12:30", "aa:bb", "::1", "1:2", "9223372036854775807",
            "-9223372036854775808", "Truex", "True1", "None.x", "1.real", "1 .real", "()()",
            "[][0]",
            "'%s' % 1", "'a' + 'b'", "\t1", " 1 ", "1\t", "isolcpus=2-7", "rw,noatime", "$x", "!x",
            "?", "@x", "`x`", "\\", "'\\\\'", "0777", "1_2_3", "1e1_0", "0x1_2", "0_7", "-0x10",
        ]
        var generator = SeededGenerator(seed: 20_261_122)
        let pieces = [
            "1", "0", "2", "-", "+", ".", "e", "_", "x", "'", "\"", "a", "[", "]", "(", ")", "{",
            "}",
            ",", ":", " ", "True", "None", "#", "\\", "0x", "b",
        ]
        for _ in 0..<2_000 {
            let count = Int.random(in: 2...7, using: &generator)
            all.append(
                (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined())
        }
        return all
    }()

    static let lines: [String] = {
        var all = [
            "", "a", "a b", "a  b\tc", "a x=1 y='2 3'", "a x=\"2 3\"", "a x=\"a\\\"b\"",
            "a x='a\\'b",
            "a x='it'\"'\"'s'", "a # comment", "a#b", "a x=#1", "a x='#1'", "a x=\\#1", "a \\ b",
            "a x=\"a\\nb\"", "a x=a\\nb", "a x=\"\\\\\"", "a x=", "a x=''", "''", "'' a", "'", "\"",
            "a\\", "a x='{\"k\": \"v\"}'", "a x=[1,2]", "a x=[1, 2]", "a é=ü", "[::1]:22 x=1",
        ]
        var generator = SeededGenerator(seed: 7)
        let pieces = ["a", "b=", " ", "  ", "'", "\"", "\\", "#", "1", "\t", "é"]
        for _ in 0..<1_000 {
            let count = Int.random(in: 2...9, using: &generator)
            all.append(
                (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined())
        }
        return all
    }()

    static let answers = Result {
        let input: JSON = ["literals": .strings(literals), "lines": .strings(lines)]
        let result = try ProcessRunner.run(
            ProgramCall(
                Repository.pythonProgram("python3"),
                ["\(Repository.root)/Tests/Reference/read_python.py"], input: input.canonicalBytes))
        try #require(result.succeeded, "\(result.endText): \(result.errorText)")
        return try JSON(parsing: result.output)
    }

    @Test(.timeLimit(.minutes(1)))
    func literalsReadAsPythonReadsThem() throws {
        let answers = try #require(try Self.answers.get()["literals"]?.array)
        var compared = 0
        for (text, answer) in zip(Self.literals, answers) where answer["fails"] == nil {
            compared += 1
            let ours: JSON =
                switch PythonLiteral.read(text) {
                case .value(let value): Self.typed(value)
                case .text(let content): ["str": .string(content)]
                case .none: ["str": .string(text)]
                case .integerOutOfRange: ["out of range": true]
                }
            #expect(ours == answer, "the literal \(text)")
        }
        #expect(compared > 2_000)
    }

    @Test(.timeLimit(.minutes(1)))
    func linesSplitAsPythonSplitsThem() throws {
        let answers = try #require(try Self.answers.get()["lines"]?.array)
        #expect(answers.count == Self.lines.count)
        for (line, answer) in zip(Self.lines, answers) {
            let words = try? ShellWords.split(line, comments: true)
            #expect((words.map { .strings($0.map(\.text)) } ?? .null) == answer, "the line \(line)")
        }
    }

    @Test func integersBeyond64BitsAreFaults() {
        #expect(PythonLiteral.read("9223372036854775808") == .integerOutOfRange)
        #expect(PythonLiteral.read("[1, -9223372036854775809]") == .integerOutOfRange)
        #expect(PythonLiteral.read("0xffffffffffffffff") == .integerOutOfRange)
    }

    private static func typed(_ value: Value) -> JSON {
        switch value {
        case .null: ["null": true]
        case .bool(let value): ["bool": .bool(value)]
        case .integer(let value): ["int": .string(String(value))]
        case .number(let value): ["float": .string(String(value.bitPattern))]
        case .string(let value): ["str": .string(value)]
        case .list(let values): ["list": .array(values.map(typed))]
        case .map(let map):
            [
                "map": .object(
                    Dictionary(uniqueKeysWithValues: map.pairs.map { ($0.key, typed($0.value)) }))
            ]
        case .secret: ["secret": true]
        }
    }
}
