import Glibc
import Linux
import SSHConfig

/// The limits of one client.
package struct SSHClientOptions: Sendable {
    /// How many connections may be open at once; further ones wait.
    package var width: Int
    /// How many connections may use one jump host at once.
    package var widthPerJumpHost: Int
    /// How often a connection that the server closed before its greeting is retried.
    package var greetingRetries: Int
    /// How often a host that did not answer in time is retried before it counts as unreachable.
    package var silenceRetries: Int
    /// The time limit for ssh-agent to sign, in seconds, including its owner's consent.
    package var agentSeconds: Double

    package init(
        width: Int = 64, widthPerJumpHost: Int = 32, greetingRetries: Int = 4,
        silenceRetries: Int = 1,
        agentSeconds: Double = 30
    ) {
        self.width = width
        self.widthPerJumpHost = widthPerJumpHost
        self.greetingRetries = greetingRetries
        self.silenceRetries = silenceRetries
        self.agentSeconds = agentSeconds
    }
}

/// Opens connections to hosts: with libssh2 on the loop, with the system's ssh, or locally.
package final class SSHClient: Sendable {
    /// Notices about the client itself: a width that the limits do not allow.
    package let notices: [String]
    /// How many connections may be open at once, after applying the limits.
    package let width: Int
    private let options: SSHClientOptions
    private let turnstile: Turnstile
    private let resolver = Resolver()
    private let knownHosts = KnownHostsStore()
    private let jumpHosts: JumpHosts
    private let handshakes: HandshakeGate
    private let localUser: String
    private let home: String
    private let keyRing: KeyRing
    private let agents: Agents

    /// Makes a client; opens no connection yet.
    ///
    /// `agentSocket`: the socket of ssh-agent (SSH_AUTH_SOCK); nil: there is no agent.
    package init(
        options: SSHClientOptions = SSHClientOptions(), agentSocket: String? = nil,
        passphrase: PassphraseProvider? = nil
    ) {
        let limit = DescriptorLimit.raised()
        width = min(options.width, limit.width)
        notices = limit.notice(wanted: options.width).map { [$0] } ?? []
        self.options = options
        turnstile = Turnstile(limit: width)
        jumpHosts = JumpHosts(width: options.widthPerJumpHost)
        handshakes = HandshakeGate(width: width)
        let user = getpwuid(getuid())
        localUser = user.map { String(cString: $0.pointee.pw_name) } ?? "root"
        home = user.map { String(cString: $0.pointee.pw_dir) } ?? "/root"
        keyRing = KeyRing(passphrase: passphrase)
        agents = Agents(defaultPath: agentSocket)
    }

    /// Connects and logs in, with the transport that the target names.
    ///
    /// Waits while `width` connections are open; `close()` makes room for another.
    package func connect(
        _ target: SSHTarget
    ) async throws(TransportError) -> any RemoteConnection {
        if let failure = TransportLoop.failure {
            throw TransportError(.system("\(failure)"), host: target.name)
        }
        return try await open(target)
    }

    /// Closes what hosts share: the sessions with jump hosts.
    ///
    /// Connections are closed individually.
    package func close() async {
        if TransportLoop.failure == nil { await jumpHosts.close() }
    }

    @TransportLoop
    private func open(_ target: SSHTarget) async throws(TransportError) -> any RemoteConnection {
        var timer = StepTimer()
        guard let place = await Permit(turnstile) else {
            throw TransportError(.cancelled, host: target.name)
        }
        timer.end("wait")
        switch target.way {
        case .local: return LocalConnection(target, timer, place)
        case .openssh: return openSSH(target, timer, place, notices: [])
        case .libssh2, .automatic: break
        }
        let onlyOpenSSH = target.settingsForOpenSSH
        if let setting = onlyOpenSSH.first {
            guard target.way == .automatic else {
                throw TransportError(.unsupported(option: setting), host: target.name)
            }
            return openSSH(
                target, timer, place,
                notices: ["goes over the system's ssh for \(onlyOpenSSH.joined(separator: ", "))"])
        }
        do throws(SessionOpener.Failure) {
            let opened = try await opener.open(target, timer)
            return SessionConnection(opened, place)
        } catch {
            guard target.way == .automatic, error.mayTryOpenSSH else { throw error.error }
            return openSSH(
                target, timer, place,
                notices: ["goes over the system's ssh: \(error.error.shortReason)"])
        }
    }

    @TransportLoop
    private func openSSH(
        _ target: SSHTarget, _ timer: StepTimer, _ place: Permit, notices: [String]
    ) -> OpenSSHConnection {
        OpenSSHConnection(
            target, timer, place, agentSocket: agents.defaultPath, localUser: localUser,
            notices: notices)
    }

    @TransportLoop
    private var opener: SessionOpener {
        let names = ["id_ed25519", "id_ecdsa", "id_rsa"]
        let identities = IdentityFinder(
            ring: keyRing, agents: agents, defaultFiles: names.map { "\(home)/.ssh/\($0)" },
            agentSeconds: options.agentSeconds)
        return SessionOpener(
            options: options, resolver: resolver, knownHosts: knownHosts, jumpHosts: jumpHosts,
            handshakes: handshakes, identities: identities, localUser: localUser)
    }
}

extension SSHTarget {
    /// The settings of this target that only the system's ssh can honour.
    var settingsForOpenSSH: [String] {
        var settings = needsOpenSSH + jumps.flatMap(\.needsOpenSSH)
        if !extraArguments.isEmpty {
            settings.append("the arguments \(extraArguments.joined(separator: " "))")
        }
        return settings
    }
}

/// Measures the steps of a connection.
struct StepTimer: Sendable {
    private(set) var steps: [ConnectionStep] = []
    private var last = Clock.monotonicSeconds()

    /// Ends the step that began when the previous one ended.
    mutating func end(_ name: String) {
        let now = Clock.monotonicSeconds()
        steps.append(ConnectionStep(name: name, seconds: now - last))
        last = now
    }

    /// Starts the next step now.
    mutating func begin() { last = Clock.monotonicSeconds() }
}
