import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Linux

/// One verb: its specification for the command table, and its implementation.
protocol Command {
    /// Its name, arguments, options and help.
    static var spec: VerbSpec { get }

    /// Carries out the verb.
    ///
    /// Throws faults of the input; every other result is in the exit code.
    static func run(_ context: CommandContext) async throws -> ExitCode
}

/// What a verb needs for one call.
struct CommandContext: Sendable {
    let invocation: Invocation
    let output: Output
    let control: RunControl
    let workingDirectory: String
    /// The folder of this program, where the agent is searched for.
    let programFolder: String

    /// `text`, `json` or `jsonl`.
    var format: String { invocation.value("format") ?? "text" }
    var isVerbose: Bool { invocation.flag("verbose") }

    /// The fleet directory of this call.
    func fleetDirectory() throws(Diagnostic) -> FleetDirectory {
        try FleetDirectory.find(
            explicit: invocation.value("fleet"), workingDirectory: workingDirectory,
            on: LocalMachine())
    }
}

/// The options and the table shared by all verbs.
enum CommandTable {
    static var commands: [any Command.Type] {
        [
            InitCommand.self, ValidateCommand.self, InventoryCommand.self, PingCommand.self,
            FactsCommand.self, CompileCommand.self, PlanCommand.self, ApplyCommand.self,
            CheckCommand.self, ResumeCommand.self, ExplainCommand.self, KindsCommand.self,
            IsolationCommand.self,
            ImportCommand.self, HistoryCommand.self, ShowCommand.self,
        ]
    }

    static let program = ProgramSpec(
        name: "muster", version: Version.current,
        summary: "muster: fleet configuration and deployment for low-latency hosts",
        verbs: commands.map { $0.spec },
        commonOptions: [
            OptionSpec("fleet", .text("DIR"), "the fleet directory (default: search upwards)"),
            OptionSpec("format", .oneOf(["text", "json", "jsonl"]), "the format of the output"),
            OptionSpec("verbose", letter: "v", repeatable: true, flag: "print more details"),
            OptionSpec("no-color", flag: "print no colour, as with NO_COLOR"),
            OptionSpec("help", letter: "h", flag: "show help"),
        ],
        exitCodes: ExitCode.allCases.map { ($0.rawValue, $0.meaning) })

    /// Options of the verbs that read the inventory.
    static let inventory = [
        OptionSpec(
            "inventory", letter: "i", .text("PATH"), repeatable: true,
            "an inventory to use instead of Inventory/hosts…; may be repeated"),
        OptionSpec("limit", letter: "l", .text("PATTERN"), "only hosts that also match this"),
    ]

    /// Options of the verbs that compile.
    static let compiling = [
        OptionSpec(
            "set", letter: "e", .text("K=V"), repeatable: true,
            "set a variable or ROLE.PARAMETER; overrides all other values"),
        OptionSpec(
            "tags", letter: "t", .text("TAGS"), repeatable: true,
            "only resources with one of these tags (comma-separated)"),
    ]

    /// Options of the verbs that contact hosts.
    static let contacting = [
        forks,
        OptionSpec("timeout", .integer("SECONDS", minimum: 1), "time limit for one host"),
    ]

    static let forks = OptionSpec(
        "forks", letter: "f", .integer("N", minimum: 1), "how many hosts to work on at once")

    static let pattern = ArgumentSpec(
        "PATTERN", repeatable: true,
        "which hosts: names, groups, globs, a:b, :&x, :!x (default: all)")
}

extension ExitCode {
    /// The meaning, for help.
    var meaning: String {
        switch self {
        case .done: "done, nothing to do, or all applied"
        case .hostFailed: "a host failed, or its result is not known"
        case .differences: "differences found (plan, check) or remaining (apply)"
        case .unreachable: "some hosts were unreachable, no host failed"
        case .reverted: "a change was reverted"
        case .refused: "refused: a stale plan, a lock, a policy"
        case .usage: "wrong usage"
        case .badInput: "bad input files"
        case .bug: "a bug in muster"
        case .interrupted: "interrupted"
        }
    }
}
