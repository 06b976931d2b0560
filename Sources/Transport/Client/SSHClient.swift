import Glibc
import Linux
import Synchronization

/// The limits of one client.
package struct SSHClientOptions: Sendable {
    /// Connections at once; further ones wait.
    package var width: Int
    /// Connections at once through one jump host.
    package var widthPerJumpHost: Int
    /// How often a connection is tried again that the server closed before its greeting.
    package var greetingRetries: Int

    package init(width: Int = 64, widthPerJumpHost: Int = 32, greetingRetries: Int = 4) {
        self.width = width
        self.widthPerJumpHost = widthPerJumpHost
        self.greetingRetries = greetingRetries
    }
}

/// Opens connections to hosts, by libssh2 on the loop, by the system's ssh, or locally.
package final class SSHClient: Sendable {
    private let options: SSHClientOptions
    private let resolver = Resolver()
    private let localUser: String

    /// A client; nothing is opened yet.
    package init(options: SSHClientOptions = SSHClientOptions()) {
        self.options = options
        localUser = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
    }

    /// Connects and logs in.
    package func connect(
        _ target: SSHTarget
    ) async throws(TransportError) -> any RemoteConnection {
        if let failure = TransportLoop.failure {
            throw TransportError(.system("\(failure)"), host: target.name)
        }
        return try await open(target)
    }

    @TransportLoop
    private func open(_ target: SSHTarget) async throws(TransportError) -> SessionConnection {
        var steps = StepTimer()
        let session = try Session(target: target)
        do {
            let addresses: [SocketAddress]
            switch await resolver.resolve(target.address, port: target.port) {
            case .addresses(let found): addresses = found
            case .failed(let reason): throw session.error(.unresolvable(reason: reason))
            }
            steps.end("resolve")
            let deadline = Deadline(in: target.connectTimeoutSeconds)
            do {
                let socket = try await Connector.connect(to: addresses, until: deadline)
                session.attach(
                    try SocketLink(socket) { [weak session] in session?.notify() })
            } catch let error as Connector.Failure {
                throw session.error(Self.kind(of: error, deadline))
            }
            steps.end("tcp")
            try await session.handshake(timeoutSeconds: target.connectTimeoutSeconds)
            steps.end("kex")
            try await session.authenticate(
                as: target.user ?? localUser, timeoutSeconds: target.connectTimeoutSeconds)
            steps.end("auth")
            return SessionConnection(session, steps)
        } catch {
            session.close()
            throw error as? TransportError ?? session.error(.system("\(error)"))
        }
    }

    private static func kind(
        of failure: Connector.Failure, _ deadline: Deadline
    ) -> TransportError.Kind {
        switch failure {
        case .timedOut: .timedOut(.connect, seconds: deadline.seconds)
        case .cancelled: .cancelled
        case .system(let error):
            switch error.code {
            case ECONNREFUSED: .refused
            case EMFILE, ENFILE: .fileDescriptors
            case ETIMEDOUT: .timedOut(.connect, seconds: deadline.seconds)
            default: .unreachable(reason: error.reason)
            }
        }
    }
}

/// Measures the steps of a connection.
struct StepTimer: Sendable {
    private(set) var steps: [ConnectionStep] = []
    private var last = Clock.monotonicSeconds()

    /// Ends the step that began with the last one's end.
    mutating func end(_ name: String) {
        let now = Clock.monotonicSeconds()
        steps.append(ConnectionStep(name: name, seconds: now - last))
        last = now
    }

    /// Begins the next step now.
    mutating func begin() { last = Clock.monotonicSeconds() }
}
