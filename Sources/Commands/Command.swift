import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Linux

/// One verb: its row in the table, and what it does.
protocol Command {
    /// Its name, arguments, options and help.
    static var spec: VerbSpec { get }

    /// Does it. Faults of the input are thrown; everything else is in the exit code.
    static func run(_ context: CommandContext) async throws -> ExitCode
}

/// What a verb works with.
struct CommandContext: Sendable {
    let invocation: Invocation
    let output: Output
    let control: RunControl
    let workingDirectory: String
    /// The folder this program lies in, where the agent is looked for.
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
            OptionSpec("fleet", .text("DIR"), "the fleet directory; else the nearest one above"),
            OptionSpec("format", .oneOf(["text", "json", "jsonl"]), "the form of the output"),
            OptionSpec("verbose", letter: "v", repeatable: true, flag: "say more"),
            OptionSpec("no-color", flag: "no colour, as with NO_COLOR"),
            OptionSpec("help", letter: "h", flag: "show help"),
        ],
        exitCodes: ExitCode.allCases.map { ($0.rawValue, $0.meaning) })

    /// Options of the verbs that read the inventory.
    static let inventory = [
        OptionSpec(
            "inventory", letter: "i", .text("PATH"), repeatable: true,
            "an inventory in place of Inventory/hosts…; several add up"),
        OptionSpec("limit", letter: "l", .text("PATTERN"), "only hosts that match this as well"),
    ]

    /// Options of the verbs that compile.
    static let compiling = [
        OptionSpec(
            "set", letter: "e", .text("K=V"), repeatable: true,
            "set a variable or ROLE.PARAMETER over everything else"),
        OptionSpec(
            "tags", letter: "t", .text("TAGS"), repeatable: true,
            "only resources with one of these tags (comma-separated)"),
    ]

    /// Options of the verbs that contact hosts.
    static let contacting = [
        forks,
        OptionSpec("timeout", .integer("SECONDS", minimum: 1), "the most one host's run may take"),
    ]

    static let forks = OptionSpec(
        "forks", letter: "f", .integer("N", minimum: 1), "hosts at once")

    static let pattern = ArgumentSpec(
        "PATTERN", repeatable: true, "which hosts: names, groups, globs, a:b, :&x, :!x; else all")
}

extension ExitCode {
    /// The meaning, for help.
    var meaning: String {
        switch self {
        case .done: "done, nothing to do, or all applied"
        case .hostFailed: "a host failed, or what came of it is not known"
        case .differences: "differences found (plan, check) or left (apply)"
        case .unreachable: "some hosts unreachable, nothing failed"
        case .reverted: "a change was reverted"
        case .refused: "refused: stale plan, lock, policy"
        case .usage: "wrong usage"
        case .badInput: "bad input files"
        case .bug: "a bug in muster"
        case .interrupted: "interrupted"
        }
    }
}
