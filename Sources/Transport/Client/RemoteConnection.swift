/// One command line for the login shell of the remote user.
package struct HostCommand: Sendable, Equatable {
    /// The line, quoted for a POSIX shell.
    package var command: String
    /// The time limit of the command in seconds; nil: no limit.
    package var deadlineSeconds: Double?

    package init(_ command: String, deadlineSeconds: Double? = nil) {
        self.command = command
        self.deadlineSeconds = deadlineSeconds
    }
}

/// How a remote command ended.
package enum RemoteExit: Sendable, Equatable {
    case status(Int32)
    /// The signal's name without SIG: `KILL`.
    case signal(String)
    /// The server reported neither a status nor a signal.
    case unknown

    package var succeeded: Bool { self == .status(0) }

    /// `exited with status 1`, `was killed by SIGKILL`.
    package var text: String {
        switch self {
        case .status(let status): "exited with status \(status)"
        case .signal(let name): "was killed by SIG\(name)"
        case .unknown: "ended without an exit status"
        }
    }
}

/// How long a step of a connection took.
package struct ConnectionStep: Sendable, Equatable {
    /// `wait`, `resolve`, `tcp`, `kex`, `auth`, `exec`; through a jump host, `jump` instead of
    /// `tcp`.
    package let name: String
    package let seconds: Double

    package init(name: String, seconds: Double) {
        self.name = name
        self.seconds = seconds
    }
}

/// An authenticated connection to a host.
///
/// Commands may run one after another or at the same time.
///
/// Cancelling a task that waits in any of these calls closes the connection.
package protocol RemoteConnection: AnyObject, Sendable {
    /// The transport in use; never `.automatic`.
    var way: SSHTarget.Way { get }
    /// Notices for the user: pinned keys, a fallback to the system's ssh, options passed on.
    var notices: [String] { get async }
    /// The steps taken so far and their durations, in order.
    var steps: [ConnectionStep] { get async }
    /// Starts a command.
    func execute(_ command: HostCommand) async throws(TransportError) -> any RemoteChannel
    /// Ends all commands and frees everything. Further calls throw `.closed`; a second close has no
    /// effect.
    func close() async
}

/// A running command: its standard input, output and error, and its end.
package protocol RemoteChannel: AnyObject, Sendable {
    /// Writes all bytes; returns once the kernel has them, so that a slow reader on the host slows
    /// down the caller.
    func write(_ bytes: [UInt8]) async throws(TransportError)
    /// Closes the command's standard input.
    func closeInput() async throws(TransportError)
    /// The next piece of standard output, at most 16 KiB; nil at its end. Without reads, at most
    /// one window of 32 KiB is received from the host.
    func read() async throws(TransportError) -> [UInt8]?
    /// The last 8 KiB of standard error so far.
    var standardError: [UInt8] { get async }
    /// Closes the input, discards the rest of the output, and waits for the end.
    func finish() async throws(TransportError) -> RemoteExit
}
