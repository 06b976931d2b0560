import Kinds
import Testing
import Wire

/// A scalar of a YAML file, as a type reads it.
private struct ScalarCase: Sendable, CustomTestStringConvertible {
    let type: ValueType
    let text: String
    var isQuoted = false
    /// The canonical JSON of the normal form, or `message | hint` of the fault.
    let expected: String

    init(_ type: ValueType, _ text: String, quoted: Bool = false, _ expected: String) {
        self.type = type
        self.text = text
        isQuoted = quoted
        self.expected = expected
    }

    var testDescription: String { "\(type.name) \(isQuoted ? "\"\(text)\"" : text)" }
}

private func outcome(_ body: () throws(ValueFault) -> JSON) -> String {
    do {
        return try body().canonicalText
    } catch {
        return error.message + (error.hint.map { " | \($0)" } ?? "")
    }
}

@Suite struct ValueTypeTests {
    private static let scalars: [ScalarCase] = [
        ScalarCase(.string, "on", "\"on\""),
        ScalarCase(.string, "1.10", "\"1.10\""),
        ScalarCase(.string, "", quoted: true, "\"\""),
        ScalarCase(
            .string, "null", "null is not a string | if you mean the text, quote it: \"null\""),
        ScalarCase(.string, "null", quoted: true, "\"null\""),
        ScalarCase(.string, "a\0b", quoted: true, "text with a NUL character is not a string"),

        ScalarCase(.integer(), "0", "0"),
        ScalarCase(.integer(), "-12", "-12"),
        ScalarCase(.integer(), "10", quoted: true, "10"),
        ScalarCase(.integer(), "", "null is not an integer | give a value"),
        ScalarCase(
            .integer(), "010",
            "\"010\" is not an integer | YAML reads a leading 0 as octal; write 10, or declare a string or a mode"
        ),
        ScalarCase(.integer(), "0x1F", "\"0x1F\" is not an integer | write it in decimal: 31"),
        ScalarCase(.integer(), "1_000", "\"1_000\" is not an integer | write 1000"),
        ScalarCase(.integer(), "+5", "\"+5\" is not an integer | write 5"),
        ScalarCase(.integer(), "1:30", "\"1:30\" is not an integer"),
        ScalarCase(.integer(), "1.0", "\"1.0\" is not an integer"),
        ScalarCase(.integer(), "yes", "\"yes\" is not an integer"),
        ScalarCase(.integer(), "9223372036854775808", "\"9223372036854775808\" exceeds 64 bits"),
        ScalarCase(.integer(minimum: 0), "-1", "-1 is too small: the minimum is 0"),
        ScalarCase(.integer(maximum: 100), "101", "101 is too large: the maximum is 100"),

        ScalarCase(.number, "1.5", "1.5"),
        ScalarCase(.number, "2.0", "2"),
        ScalarCase(.number, "1e3", "1000"),
        ScalarCase(.number, ".inf", "\".inf\" is not a number"),
        ScalarCase(.number, "nan", "\"nan\" is not a number"),
        ScalarCase(.number, "0x10", "\"0x10\" is not a number | write it in decimal: 16"),

        ScalarCase(.boolean, "true", "true"),
        ScalarCase(.boolean, "false", "false"),
        ScalarCase(.boolean, "yes", "\"yes\" is not a boolean | write true, without quotes"),
        ScalarCase(.boolean, "off", "\"off\" is not a boolean | write false, without quotes"),
        ScalarCase(.boolean, "True", "\"True\" is not a boolean | write true, without quotes"),
        ScalarCase(
            .boolean, "true", quoted: true,
            "\"true\" is not a boolean | write true, without quotes"),
        ScalarCase(.boolean, "maybe", "\"maybe\" is not a boolean | write true or false"),

        ScalarCase(.list(.string), "a", "\"a\" is not a list of string | write a list: [a]"),
        ScalarCase(.map(.string), "a", "\"a\" is not a map of string"),
        ScalarCase(.oneOf(["on", "off"]), "on", "\"on\""),
        ScalarCase(.oneOf(["on", "off"]), "maybe", "\"maybe\" is not one of on, off"),

        ScalarCase(.cpuList, "8,0-3,4", "\"0-4,8\""),
        ScalarCase(.cpuList, "0-3 8", "\"0-3,8\""),
        ScalarCase(.cpuList, "0-6:1/2", "\"0,2,4,6\""),
        ScalarCase(.cpuList, "", quoted: true, "\"\""),
        ScalarCase(.cpuList, "3-1", "3-1 in \"3-1\" is a descending range"),
        ScalarCase(.cpuList, "9999", "9999 in \"9999\" is larger than 8191"),
        ScalarCase(
            .cpuList, "0-3,^2",
            "\"^2\" in \"0-3,^2\" is not a CPU or a range | negation is not supported: list the CPUs"
        ),
        ScalarCase(
            .cpuList, "0xff",
            "\"0xff\" in \"0xff\" is not a CPU or a range | write a list, not a mask: 0-3,8"),
        ScalarCase(
            .cpuList, "0-62:2",
            "\"0-62:2\" in \"0-62:2\" is not a CPU or a range | write a strided range as FIRST-LAST:USED/GROUP: 0-62:1/2"
        ),
        ScalarCase(
            .cpuList, "2-N",
            "\"2-N\" in \"2-N\" is not a CPU or a range | write CPUs and ranges: 0-3,8"),
        ScalarCase(
            .cpuList, "all",
            "\"all\" in \"all\" is not a CPU or a range | all depends on the machine: write CPU numbers, or take them from facts"
        ),

        ScalarCase(.size, "512", "512"),
        ScalarCase(.size, "64MiB", "67108864"),
        ScalarCase(.size, "1G", "1073741824"),
        ScalarCase(
            .size, "1GB",
            "\"1GB\" is not a size | GB is ambiguous (1000 or 1024): write 1GiB, or bytes"),
        ScalarCase(.size, "2m", "\"2m\" is not a size | write 2MiB"),
        ScalarCase(
            .size, "1.5G",
            "\"1.5G\" is not a size | write bytes, or a whole number with K, M, G, T or KiB, MiB, GiB, TiB (powers of 1024)"
        ),
        ScalarCase(.size, "9999999999T", "\"9999999999T\" exceeds 64 bits"),

        ScalarCase(.duration, "30", "30"),
        ScalarCase(.duration, "250ms", "0.25"),
        ScalarCase(.duration, "250ns", "2.5e-07"),
        ScalarCase(.duration, "50us", "5e-05"),
        ScalarCase(.duration, "5m", "300"),
        ScalarCase(.duration, "1h30m", "5400"),
        ScalarCase(.duration, "0s", "0"),
        ScalarCase(
            .duration, "1:30",
            "\"1:30\" is not a duration | write a number and ns, us, ms, s, m, h or d: 250ms, 30s, 1h30m"
        ),
        ScalarCase(
            .duration, "5min",
            "\"5min\" is not a duration | write a number and ns, us, ms, s, m, h or d: 250ms, 30s, 1h30m"
        ),
        ScalarCase(
            .duration, "99999999999d",
            "\"99999999999d\" is too long | the maximum is about 30 years"),

        ScalarCase(.path, "/etc//ssh/./sshd_config/", "\"/etc/ssh/sshd_config\""),
        ScalarCase(.path, "/", "\"/\""),
        ScalarCase(.path, "etc", "\"etc\" is not an absolute path | begin the path with /"),
        ScalarCase(
            .path, "~/x",
            "\"~/x\" is not an absolute path | ~ is not expanded: write the full home directory"),
        ScalarCase(.path, "/a/../b", "\"/a/../b\" contains .. | write the path without .."),

        ScalarCase(.mode, "0644", quoted: true, "\"0644\""),
        ScalarCase(.mode, "644", quoted: true, "\"0644\""),
        ScalarCase(.mode, "1777", quoted: true, "\"1777\""),
        ScalarCase(
            .mode, "0644",
            "the mode 0644 is not quoted | write \"0644\": unquoted, YAML may read it as octal or decimal"
        ),
        ScalarCase(
            .mode, "644",
            "the mode 644 is not quoted | write \"0644\": unquoted, YAML may read it as octal or decimal"
        ),
        ScalarCase(
            .mode, "0o644",
            "the mode 0o644 is not quoted | write \"0644\": unquoted, YAML may read it as octal or decimal"
        ),
        ScalarCase(.mode, "0o644", quoted: true, "\"0o644\" is not a mode | write \"0644\""),
        ScalarCase(
            .mode, "u=rw", quoted: true,
            "\"u=rw\" is not a mode | write permission bits as three or four octal digits: \"0644\""
        ),
        ScalarCase(
            .mode, "0888", quoted: true,
            "\"0888\" is not a mode | write permission bits as three or four octal digits: \"0644\""
        ),

        ScalarCase(.version, "1.10", "\"1.10\""),
        ScalarCase(.version, "9.2.0.43", "\"9.2.0.43\""),
        ScalarCase(
            .version, "1 2", "\"1 2\" is not a version | a version has no white space"),
        ScalarCase(
            .secret, "x", quoted: true,
            "{\"secret\":\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"}"),
        ScalarCase(.any, "yes", "\"yes\""),
    ]

    @Test(arguments: scalars)
    private func scalar(_ test: ScalarCase) {
        #expect(
            outcome { () throws(ValueFault) in
                try test.type.read(text: test.text, isQuoted: test.isQuoted)
            } == test.expected)
    }

    /// A value that has a type already, and what becomes of it.
    private static let values: [(ValueType, JSON, String)] = [
        (.string, 10, "\"10\""),
        (.string, .number(1.5), "\"1.5\""),
        (
            .string, true,
            "the boolean true is not a string | if you mean the text, quote it: an unquoted yes, no, on or off is a boolean"
        ),
        (.string, nil, "null is not a string | give a value"),
        (.string, ["a"], "a list is not a string"),
        (.integer(), "10", "10"),
        (.integer(), .number(1.5), "the number 1.5 is not an integer"),
        (.integer(), true, "the boolean true is not an integer"),
        (.integer(minimum: 3), 2, "2 is too small: the minimum is 3"),
        (.number, .number(2), "2"),
        (.boolean, true, "true"),
        (.boolean, 1, "the number 1 is not a boolean"),
        (.boolean, "yes", "\"yes\" is not a boolean | write true, without quotes"),
        (.list(.integer()), [1, "2"], "[1,2]"),
        (.list(.integer()), [1, "x"], "element 2: \"x\" is not an integer"),
        (.map(.mode), ["a": "644"], "{\"a\":\"0644\"}"),
        (
            .map(.mode), ["a": 644],
            "member \"a\": the number 644 is not a mode | write it as quoted octal: \"0644\""
        ),
        (.version, 9, "\"9\""),
        (
            .version, .number(1.1),
            "the number 1.1 is not a version | quote the version in its file: without quotes, 1.10 becomes 1.1"
        ),
        (
            .oneOf(["on", "off"]), true,
            "the boolean true is not one of on, off | if you mean the text, quote it: an unquoted yes, no, on or off is a boolean"
        ),
        (.cpuList, 3, "\"3\""),
        (.cpuList, [3, 1, 2, "8-9"], "\"1-3,8-9\""),
        (.cpuList, [], "\"\""),
        (.cpuList, [true], "a list is not a cpu_list"),
        (
            .size, -1,
            "\"-1\" is not a size | write bytes, or a whole number with K, M, G, T or KiB, MiB, GiB, TiB (powers of 1024)"
        ),
        (.duration, .number(0.25), "0.25"),
        (.secret, ["secret": "00"], "a map is not a secret"),
        (.any, [nil, ["a": 1]], "[null,{\"a\":1}]"),
    ]

    @Test(arguments: values.indices)
    func value(_ index: Int) {
        let (type, value, expected) = ValueTypeTests.values[index]
        #expect(outcome { () throws(ValueFault) in try type.normalise(value) } == expected)
    }

    /// Whatever is accepted is in normal form: reading it again changes nothing.
    @Test(arguments: scalars)
    private func normalFormIsStable(_ test: ScalarCase) {
        guard let value = try? test.type.read(text: test.text, isQuoted: test.isQuoted) else {
            return
        }
        #expect(
            outcome { () throws(ValueFault) in try test.type.normalise(value) }
                == value.canonicalText)
    }
}
