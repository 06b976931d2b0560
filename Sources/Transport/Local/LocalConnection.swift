import Glibc
import Linux

/// This machine: commands run in a shell here (`ansible_connection: local`).
@TransportLoop
final class LocalConnection: RemoteConnection {
    let way = SSHTarget.Way.local
    let notices: [String] = []
    private let target: SSHTarget
    private var timer: StepTimer
    private var place: Permit?
    private var channels: [ProcessChannel] = []
    private var isClosed = false

    init(_ target: SSHTarget, _ timer: StepTimer, _ place: Permit) {
        self.target = target
        self.timer = timer
        self.place = place
    }

    package var steps: [ConnectionStep] { timer.steps }

    package func execute(
        _ command: HostCommand
    ) async throws(TransportError) -> any RemoteChannel {
        if isClosed { throw TransportError(.closed, host: target.name) }
        timer.begin()
        let child: ChildProcess
        do {
            child = try await ChildProcess.start(
                ProgramCall(
                    "/bin/sh", ["-c", command.command], environment: Environment.passedOn()))
        } catch {
            throw TransportError(.system("\(error)"), host: target.name)
        }
        timer.end("exec")
        let name = target.name
        let channel = ProcessChannel(child, deadlineSeconds: command.deadlineSeconds) {
            TransportError($0, host: name)
        }
        channels.append(channel)
        return channel
    }

    package func close() {
        isClosed = true
        for channel in channels { channel.close() }
        channels = []
        place = nil
    }

    isolated deinit { close() }
}

/// The environment of child processes: what a login sets, and nothing else of ours.
enum Environment {
    private static let names = [
        "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "KRB5CCNAME",
    ]

    static func passedOn() -> [String] {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ["PATH=\(value(of: "PATH") ?? path)", "SHELL=/bin/sh"]
            + names.compactMap { name in value(of: name).map { "\(name)=\($0)" } }
    }

    private static func value(of name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
