import FleetModel
import Transport
import Views
import Wire

/// Why a conversation with a host's agent could not begin or was broken off.
///
/// All texts about it are here; the tests hold the table.
package enum AgentFailure: Error, Sendable, Equatable {
    case transport(TransportError)
    case noAgent(AgentMissing)
    /// sudo asks for a password or refuses.
    case noSudo(user: String, said: String)
    /// The agent could not be installed; `said` is what the shell printed.
    case uploadFailed(directory: String, said: String)
    case damagedUpload
    /// The agent is installed but does not run.
    case doesNotRun(path: String, said: String)
    /// The agent was started and sent no hello.
    case noHello(seconds: Int)
    /// A program other than an agent answered.
    case notAnAgent(said: String)
    case otherProtocol(theirs: Int, version: String)
    case badFrame(FrameError)
    case badReply(String)
    /// The agent ended in the middle of a run.
    case endedEarly(how: String, said: String)
    /// The agent itself reported that it refused or failed as a whole.
    case agent(AgentFault)
    /// The host was rebooted and did not come back in time; `last` is how the last attempt to reach
    /// it ended.
    case noReturn(seconds: Int, last: String)
    case interrupted
    /// The run was stopped before anything began on the host.
    case notBegun
    /// The host may have been changed, and the controller did not receive the result.
    case resultUnknown(run: String, cause: String)
    /// The host stayed in one state for longer than any time limit of its own.
    case tooLong(what: String, seconds: Double)

    /// The outcome of the host as a whole.
    package var outcome: HostOutcome {
        switch self {
        case .transport(let error): error.isUnreachable ? .unreachable : .failed
        case .agent(let fault):
            ["locked", "expired", "stale-serial", "disruption"].contains(fault.code)
                ? .refused : .failed
        case .interrupted, .notBegun: .stopped
        case .resultUnknown: .unknown
        default: .failed
        }
    }

    /// Whether a change in progress may have continued after this failure: the agent did not report
    /// its end.
    var leavesResultUnknown: Bool {
        switch self {
        case .transport, .badFrame, .badReply, .endedEarly, .interrupted, .tooLong: true
        case .noAgent, .noSudo, .uploadFailed, .damagedUpload, .doesNotRun, .noHello, .notAnAgent,
            .otherProtocol, .agent, .noReturn, .notBegun, .resultUnknown:
            false
        }
    }

    /// The fault, for people and programs.
    package var fault: AgentFault {
        switch self {
        case .transport(let error):
            AgentFault("transport", "log in", cause: error.message, hint: error.hint)
        case .noAgent(let missing):
            AgentFault("no-agent", "send the agent", cause: missing.cause, hint: missing.hint)
        case .noSudo(let user, let said):
            AgentFault(
                "no-sudo", "become root by sudo -n as \(user)", cause: Self.shown(said),
                hint: "let \(user) run sudo without a password on this host, or log in as root")
        case .uploadFailed(let directory, let said):
            AgentFault(
                "upload", "put the agent into \(directory)/bin", cause: Self.shown(said),
                hint: Self.hint(forSaid: said)
                    ?? "set agent_dir in settings.yaml to another directory")
        case .damagedUpload:
            AgentFault(
                "upload", "put the agent in place",
                cause: "the bytes that arrived are not the agent",
                hint: "a login shell that reads standard input can do this; see ~/.profile there")
        case .doesNotRun(let path, let said):
            AgentFault(
                "agent-does-not-run", "run \(path)", cause: Self.shown(said),
                hint: Self.hint(forSaid: said)
                    ?? "check that its file system is not mounted noexec and no policy forbids it; "
                    + "or set agent_dir in settings.yaml to another directory")
        case .noHello(let seconds):
            AgentFault(
                "no-hello", "start the agent", cause: "it sent no hello within \(seconds) s",
                hint: "log in by ssh and find out what hangs: the login shell's startup files, or "
                    + "the file system of agent_dir")
        case .notAnAgent(let said):
            AgentFault(
                "not-an-agent", "talk to the agent",
                cause: "something else answered: \(Self.shown(said))",
                hint: "a forced command or a login shell that does not run commands does this")
        case .otherProtocol(let theirs, let version):
            AgentFault(
                "protocol", "talk to the agent",
                cause: "it is version \(version) and speaks protocol \(theirs), not "
                    + "\(WireProtocol.version)",
                hint: "use the muster-agent that belongs to this muster")
        case .badFrame(let error):
            AgentFault(
                "bad-frame", "read the agent's answer", cause: Self.text(of: error),
                hint: "the connection or the agent is damaged; run again")
        case .badReply(let message):
            AgentFault(
                "bad-reply", "understand the agent's answer", cause: message,
                hint: "use the muster-agent that belongs to this muster")
        case .endedEarly(let how, let said):
            AgentFault(
                "ended-early", "finish the run",
                cause: "the agent \(how)" + (said.isEmpty ? "" : ": \(Self.shown(said))"),
                hint: "what it did is in its journal; run again")
        case .agent(let fault): fault
        case .noReturn(let seconds, let last):
            AgentFault(
                "no-return", "reach the host after its reboot",
                cause: "it did not come back within \(seconds) s: \(last)",
                hint: "look at its console. The recovery entries of the boot menu boot without the "
                    + "declared settings; a larger limits.reboot in settings.yaml waits longer")
        case .interrupted:
            AgentFault("interrupted", "finish the run", cause: "interrupted", hint: nil)
        case .notBegun:
            AgentFault(
                "interrupted", "begin the change",
                cause: "the run was stopped first; nothing was changed")
        case .resultUnknown(let run, let cause):
            AgentFault(
                "result-unknown", "get the result of the change", cause: cause,
                hint: "the agent continues to its next safe boundary by itself; "
                    + "muster resume \(run) reads the host's journal and continues the run")
        case .tooLong(let what, let seconds):
            AgentFault(
                "deadline", what, cause: "it took longer than \(Int(seconds)) s",
                hint: "find out what hangs on the host, then run again")
        }
    }

    /// The first lines that a shell printed, joined into one line.
    private static func shown(_ said: String) -> String {
        let lines = said.split(whereSeparator: \.isNewline).prefix(3).map { line in
            String(
                line.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(200).map(
                    Character.init))
        }
        return lines.isEmpty ? "it printed nothing" : lines.joined(separator: "; ")
    }

    private static func hint(forSaid said: String) -> String? {
        if said.contains("No space left") { return "free space on the host's file system" }
        if said.contains("Read-only file system") {
            return "the file system is read-only; remount it, or set agent_dir in settings.yaml"
        }
        if said.contains("gzip: not found") { return "install gzip on the host" }
        return nil
    }

    private static func text(of error: FrameError) -> String {
        switch error {
        case .noPreamble(let noise): "no agent answered, but: \(shown(noise))"
        case .unknownType(let type): "a frame of the unknown type \(type)"
        case .tooLong(let count, let limit):
            "a frame of \(count) bytes; at most \(limit) are allowed"
        case .badMessage(let error): "a message that is not JSON: \(error)"
        case .badPiece: "a malformed piece of a blob"
        }
    }
}
