import CommandLineKit
import Diagnostics
import Testing

private let program = ProgramSpec(
    name: "muster", version: "1", summary: "Fleet.",
    verbs: [
        VerbSpec(
            "check", "finds drift",
            arguments: [ArgumentSpec("PATTERN", repeatable: true, "which hosts")],
            options: [
                OptionSpec("forks", letter: "f", .integer("N", minimum: 1), "width"),
                OptionSpec("set", .text("K=V"), repeatable: true, "a value"),
                OptionSpec("diff", letter: "D", flag: "shows content"),
            ]),
        VerbSpec(
            "show", "shows a run", arguments: [ArgumentSpec("RUN", required: true, "the run")]),
    ],
    commonOptions: [
        OptionSpec("verbose", letter: "v", repeatable: true, flag: "says more"),
        OptionSpec("format", .oneOf(["text", "json"]), "the form"),
    ],
    exitCodes: [(0, "done")])

@Suite struct ParserTests {
    @Test func understandsEveryWayOfWriting() throws {
        let parsed = try program.parse([
            "check", "-vDf", "8", "a:b", "--set=x=1", "--set", "y=2", "--", "--odd",
        ])
        let expected = Invocation(
            verb: "check", arguments: ["a:b", "--odd"],
            options: ["verbose": [""], "diff": [""], "forks": ["8"], "set": ["x=1", "y=2"]])
        #expect(parsed == .run(expected))
    }

    @Test(arguments: [
        (["-h"], ParsedCommandLine.help(verb: nil)), ([], .help(verb: nil)),
        (["help"], .help(verb: nil)), (["check", "--help"], .help(verb: "check")),
        (["--version"], .version),
    ])
    func asksForHelp(arguments: [String], expected: ParsedCommandLine) throws {
        #expect(try program.parse(arguments) == expected)
    }

    @Test(
        arguments: [
            (["chekc"], "there is no verb \"chekc\"", "did you mean \"check\"?"),
            (["check", "--dif"], "unknown option --dif for check", "did you mean --diff?"),
            (["check", "-x"], "unknown option -x for check", "see muster check --help"),
            (["check", "--forks"], "--forks needs a value", "-f, --forks N"),
            (["check", "-f0"], "-f takes an integer of at least 1, not \"0\"", nil),
            (["check", "--diff=1"], "--diff takes no value", nil),
            (["check", "-f1", "--forks", "2"], "--forks is given twice", nil),
            (
                ["check", "--format", "jsn"], "--format takes one of text, json, not \"jsn\"",
                "did you mean \"json\"?"
            ),
            (["show"], "show needs RUN", "usage: muster show RUN [options]"),
            (["show", "a", "b"], "show does not take \"b\"", "usage: muster show RUN [options]"),
        ] as [([String], String, String?)])
    func saysWhatIsWrong(arguments: [String], summary: String, hint: String?) throws {
        let fault = try #require(throws: Diagnostic.self) { try program.parse(arguments) }
        #expect(fault.summary == summary)
        #expect(fault.hint == hint)
        #expect(fault.exitCode == .usage)
    }

    @Test func helpNamesEveryVerbAndOption() {
        let help = program.help(for: nil)
        for verb in program.verbs { #expect(help.contains("  \(verb.name)")) }
        let page = program.help(for: "check")
        #expect(
            page.hasPrefix(
                "muster check: finds drift\n\nusage: muster check [PATTERN…] [options]\n"))
        for option in ["-f, --forks N", "    --set K=V", "-D, --diff", "--format text|json"] {
            #expect(page.contains(option))
        }
    }
}
