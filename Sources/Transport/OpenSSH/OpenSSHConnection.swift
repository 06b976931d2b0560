import Linux

/// A connection through the system's ssh: one process, and therefore one login, per command.
///
/// Nothing is opened before the first command, so an unreachable host is only noticed at that
/// login.
@TransportLoop
final class OpenSSHConnection: RemoteConnection {
    let way = SSHTarget.Way.openssh
    private(set) var notices: [String]
    private let target: SSHTarget
    private let agentSocket: String?
    private let localUser: String
    private var timer: StepTimer
    private var place: Permit?
    private var channels: [ProcessChannel] = []
    private var isClosed = false

    init(
        _ target: SSHTarget, _ timer: StepTimer, _ place: Permit, agentSocket: String?,
        localUser: String, notices: [String]
    ) {
        self.target = target
        self.timer = timer
        self.place = place
        self.agentSocket = agentSocket
        self.localUser = localUser
        self.notices = notices
    }

    package var steps: [ConnectionStep] { timer.steps }

    package func execute(
        _ command: HostCommand
    ) async throws(TransportError) -> any RemoteChannel {
        if isClosed { throw error(.closed) }
        timer.begin()
        let marker = "muster-connected-\(UInt64.random(in: 0...UInt64.max))"
        var environment = Environment.passedOn()
        if let agentSocket { environment.append("SSH_AUTH_SOCK=\(agentSocket)") }
        let child: ChildProcess
        do {
            child = try await ChildProcess.start(
                ProgramCall(
                    OpenSSHArguments.program,
                    OpenSSHArguments.arguments(for: target, marker: marker) + [command.command],
                    environment: environment))
        } catch {
            throw self.error(.system("ssh cannot be started: \(error)"))
        }
        let rest: [UInt8]
        do {
            rest = try await waitForLogin(child, marker)
        } catch {
            child.kill()
            throw error
        }
        timer.end("ssh")
        let target = target
        let channel = ProcessChannel(
            child, deadlineSeconds: command.deadlineSeconds, errors: rest,
            error: { TransportError($0, host: target.name, endpoint: target.endpoint) },
            judge: { exit, errors in
                guard case .status(let status) = exit,
                    let reason = OpenSSHError.lostConnection(
                        status: status, text: String(decoding: errors, as: UTF8.self))
                else { return nil }
                return TransportError(
                    .connectionLost(.run, reason: reason), host: target.name,
                    endpoint: target.endpoint)
            })
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

    /// Waits for the line that ssh's LocalCommand prints after the login; returns the part of
    /// standard error after that line.
    private func waitForLogin(
        _ child: ChildProcess, _ marker: String
    ) async throws(TransportError) -> [UInt8] {
        // ssh has its own time limit for each step; this one is for an ssh that does not end by
        // itself.
        let hops = Double(target.jumps.count + 1)
        let deadline = Deadline(in: target.connectTimeoutSeconds * 3 * hops + 5)
        let sign = Array((marker + "\n").utf8)
        var said: [UInt8] = []
        while true {
            while let piece = child.readErrors(4096), !piece.isEmpty { said += piece }
            if let at = said.firstIndex(of: sign) {
                note(String(decoding: said[..<at], as: UTF8.self))
                return Array(said[(at + sign.count)...])
            }
            if said.count > 1 << 16 { said.removeFirst(said.count - (1 << 16)) }
            if let exit = child.exit {
                while let piece = child.readErrors(4096), !piece.isEmpty { said += piece }
                let status: Int32 = if case .status(let status) = exit { status } else { -1 }
                throw error(
                    OpenSSHError.kind(
                        status: status, text: String(decoding: said, as: UTF8.self),
                        target: target, user: target.user ?? localUser))
            }
            switch await child.changed.wait(until: deadline.instant) {
            case .notified: break
            case .timedOut: throw error(.timedOut(.authentication, seconds: deadline.seconds))
            case .cancelled: throw error(.cancelled)
            }
        }
    }

    /// Of the lines that ssh prints before the login, only a pinned key is reported.
    private func note(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline)
        where line.hasPrefix("Warning: Permanently added") {
            notices.append("ssh: \(line)")
        }
    }

    private func error(_ kind: TransportError.Kind) -> TransportError {
        TransportError(kind, host: target.name, endpoint: target.endpoint)
    }
}

extension Array where Element == UInt8 {
    /// The index of the first occurrence of a run of bytes.
    fileprivate func firstIndex(of run: [UInt8]) -> Int? {
        guard count >= run.count else { return nil }
        return (0...(count - run.count)).first { self[$0..<$0 + run.count].elementsEqual(run) }
    }
}
