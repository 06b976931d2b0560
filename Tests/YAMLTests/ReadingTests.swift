import Diagnostics
import Linux
import TestSupport
import Testing
import Values
import Wire

@testable import YAML

/// Plain scalars read as the real PyYAML's safe loader reads them.
@Suite struct ReadingTests {
    /// Words and numbers that are near some pattern of YAML 1.1, by themselves and varied.
    static let scalars: [String] = {
        var all = [
            "yes", "Yes", "YES", "yEs", "y", "Y", "n", "N", "no", "No", "NO", "nO", "on", "On",
            "ON",
            "off", "Off", "OFF", "oFF", "true", "True", "TRUE", "tRUE", "false", "False", "FALSE",
            "null", "Null", "NULL", "nULL", "~", "~~", "none", "None", "nil", "nan", "inf",
            ".inf", ".Inf", ".INF", ".iNF", "+.inf", "-.inf", "-.Inf", "+.INF", ".nan", ".NaN",
            ".NAN", ".Nan", "-.nan", "+.nan", "1:30", "1:60", "1:59", "01:30", "0:30", "+1:30",
            "-1:30", "1:2:3", "1:2:3:4", "1:02:03", "1:2:", "1::2", ":1", "1:2.5", "1:2.",
            "1:30.25",
            "-1:30.5", "01:30.5", "0:0.0", "1:60.5", "1:2:3.5", "1_0:30", "190:20:30",
            "190:20:30.15", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "2001-1-2", "2001-01-2",
            "2001-12-14 21:59:43.10 -5", "2001-12-15 2:59:43.10", "2002-02-28T23:59:59Z",
            "2002-02-28T23:59:59.123456789Z", "2024-02-29", "2004-1-2 3:04:05", "2001-12-14 21:59",
            "2001-12-14T21:59:43 +05:30", "2001-12-14T21:59:43.5-00:30", "2001-12-14T21:59:43+0530",
            "2001-12-14 21:59:43 Z", "2001-12-14\t21:59:43", "20011214", "2001-12", "12:30:45",
            "1.2.3", "1.10", "10.0.0.1", "1e3", "1.e3", "1.e+3", "1.5e3", "1.5e+3", "1.5E-3",
            "1e+3",
            "+1.5", "-1.5", "+.5", "-.5", ".5", "._5", ".5_", "._", ".", "..", "1.", "1._", "1_.5",
            "_1.5", "1__0.5", "0.1", "00.1", "1.5e", "1.5e+", ".5e+3", ".e+3",
            "1.7976931348623157e+308",
            "4.9e-324", "0.1e-400", "123456789.123456789", "1_000.5_5", "0b", "0b1_0", "-0b101",
            "0b2", "0o14", "0x1F", "0x_ff", "-0xFF", "+0x1f", "0xG", "0xfFfF_0", "014", "0_14",
            "-014", "+014", "018", "08", "09.5", "00", "0", "-0", "+0", "0_", "1_", "_1", "1__1",
            "1_000", "-1_000", "+12", "--1", "+-1", "-", "+", "- 1", "1 2", "9223372036854775807",
            "-9223372036854775808", "0x7fffffffffffffff", "0777777777777777777777", "a", "A1",
            "x-y",
            "/etc/passwd", "vm.swappiness", "1-3", "0-3,8-11", "2M", "1G", "4.18.0-513.el8.x86_64",
            "9.2.0.43", "aa:bb:cc:dd:ee:ff", "00:11:22:33:44:55", "11:22:33:44:55:66", "fe80::1",
            "::1", "::", "1:2:3:4:5:6", "12:34", "59:59", "0644", "644", "1777", "0o644", "u=rwx",
            "<<", "^x", "(a)", "1e", "e1", "E1", "0e0", "1,000", "1,5", "$x", "x=1", "é", "日本",
        ]
        // Every short text over the characters that the patterns are made of, a seeded sample.
        var state: UInt64 = 20_261_121
        let letters = Array("0123456789_:.+-exbo")
        for _ in 0..<600 {
            var text = ""
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let length = 2 + Int((state >> 33) % 6)
            for _ in 0..<length {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(letters[Int((state >> 33) % UInt64(letters.count))])
            }
            all.append(text)
        }
        return all
    }()

    @Test(.timeLimit(.minutes(1)))
    func readingsEqualPyYAML() throws {
        let input = JSON.strings(Self.scalars)
        let call = ProgramCall(
            Repository.pythonProgram("python3"),
            ["\(Repository.root)/Tests/Reference/read_scalars.py"],
            input: input.canonicalBytes, timeoutSeconds: 50)
        let result = try ProcessRunner.run(call)
        try #require(result.succeeded, "\(result.endText): \(result.errorText)")
        let answers = try #require(try JSON(parsing: result.output).array)
        try #require(answers.count == Self.scalars.count)
        var compared = 0
        for (text, answer) in zip(Self.scalars, answers) {
            // PyYAML fails on some texts that its own patterns match, and libyaml on some plain ones.
            if answer["fails"] != nil { continue }
            compared += 1
            let node = try #require(
                try YAMLReader.parse(SourceText(name: "s", text: "v: \(text)\n")))
            #expect(
                Self.typed(try #require(node["v"]).value) == answer, "the reading of \(text)")
        }
        #expect(compared > 500)
    }

    /// The form in which the reference script answers.
    private static func typed(_ value: Value) -> JSON {
        switch value {
        case .null: ["null": true]
        case .bool(let value): ["bool": .bool(value)]
        case .integer(let value): ["int": .string(String(value))]
        case .number(let value): ["float": .string(value.isNaN ? "nan" : String(value.bitPattern))]
        case .string(let value): ["str": .string(value)]
        default: ["other": .string(value.kindText)]
        }
    }
}
