import FleetModel
import Glibc
import Journal
import Kinds
import Linux
import Resources

/// The agent's command line: a few fixed verbs, none of which takes a command.
package struct AgentCommandLine {
    /// What the agent is asked to do.
    enum Verb: Equatable {
        case serve(state: StateDirectory)
        case boot(BootStage)
        case version
        case help
    }

    static let usage = """
        usage: muster-agent serve [--state-dir DIR]   speak with a controller on stdin and stdout
               muster-agent boot early|late           apply the boot records in /etc/muster/boot.d
               muster-agent --version                 print version, protocol and architecture
               muster-agent --help                    print this

        """

    /// Parses the arguments after the program's name; returns a usage error if they are wrong.
    static func parse(_ arguments: [String]) -> Result<Verb, UsageError> {
        switch arguments.first {
        case "serve": return parseServe(Array(arguments.dropFirst()))
        case "boot":
            guard arguments.count == 2, let stage = BootStage(rawValue: arguments[1])
            else { return .failure(UsageError("boot takes early or late")) }
            return .success(.boot(stage))
        case "--version" where arguments.count == 1: return .success(.version)
        case "--help" where arguments.count == 1: return .success(.help)
        case nil: return .failure(UsageError("no verb given"))
        case let word?: return .failure(UsageError("unknown argument \"\(word)\""))
        }
    }

    private static func parseServe(_ options: [String]) -> Result<Verb, UsageError> {
        if options.isEmpty { return .success(.serve(state: StateDirectory())) }
        guard options.count == 2, options[0] == "--state-dir" else {
            return .failure(UsageError("serve takes only --state-dir DIR"))
        }
        guard options[1].hasPrefix("/"), !options[1].hasSuffix("/") else {
            return .failure(
                UsageError("\"\(options[1])\" is not an absolute path without a final \"/\""))
        }
        return .success(.serve(state: StateDirectory(options[1])))
    }

    /// Runs the agent and returns its exit code: 0 for success, 1 where a boot stage failed, 64 for
    /// a usage error, 65 for a fault of the stream, 75 for a missed deadline or an idle connection.
    package static func run(_ arguments: [String]) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        switch parse(arguments) {
        case .success(.serve(let state)): return serve(state)
        case .success(.boot(let stage)): return boot(stage)
        case .success(.version):
            let hello = Identity.hello()
            print(
                STDOUT_FILENO,
                "muster-agent \(hello.agentVersion), protocol \(hello.protocolVersion), "
                    + "\(hello.architecture)\n")
            return 0
        case .success(.help):
            print(STDOUT_FILENO, usage)
            return 0
        case .failure(let error):
            print(STDERR_FILENO, "muster-agent: \(error.message)\n\(usage)")
            return 64
        }
    }

    private static func serve(_ state: StateDirectory) -> Int32 {
        let housekeeping = Housekeeping(machine: LocalMachine(), original: .ofThisProcess)
        let notice = housekeeping.move()
        let isMoved = notice == nil && housekeeping.chosen != housekeeping.original
        let setting = WorkerSetting(
            state: state, programAffinity: isMoved ? housekeeping.original.affinityMask : [],
            notices: notice.map { [$0] } ?? [])
        return Supervisor(setting).serve()
    }

    private static func boot(_ stage: BootStage) -> Int32 {
        let service = BootService(machine: LocalMachine()) { print(STDOUT_FILENO, $0 + "\n") }
        return service.run(stage) ? 0 : 1
    }

    private static func print(_ descriptor: Int32, _ text: String) {
        FrameChannel(input: -1, output: descriptor).send(Array(text.utf8))
    }
}

/// What is wrong with a command line.
struct UsageError: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }
}
