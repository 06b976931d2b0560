import Glibc
import Linux
import SSHConfig

/// Opens authenticated sessions, through jump hosts if the route has any.
@TransportLoop
struct SessionOpener {
    let options: SSHClientOptions
    let resolver: Resolver
    let knownHosts: KnownHostsStore
    let jumpHosts: JumpHosts
    let handshakes: HandshakeGate
    let identities: IdentityFinder
    let localUser: String

    /// An open session and how it came about.
    struct Opened {
        let session: Session
        var steps: StepTimer
        var notices: [String]
        /// The place in the turnstile of the jump host.
        let place: Permit?
    }

    /// What went wrong, and whether OpenSSH may succeed, for example with keys that libssh2 cannot
    /// use.
    struct Failure: Error {
        let error: TransportError
        let mayTryOpenSSH: Bool
    }

    /// Opens a session; retries while the server closes connections before its greeting, and once
    /// if it did not answer in time, before the host counts as unreachable.
    func open(_ target: SSHTarget, _ timer: StepTimer) async throws(Failure) -> Opened {
        var refusals = 0
        var silences = 0
        while true {
            do throws(Failure) {
                return try await openOnce(target, timer)
            } catch {
                let tries: Int
                switch error.error.kind {
                case .bannerRefused where refusals < options.greetingRetries:
                    tries = refusals
                    refusals += 1
                case .timedOut(.connect, _), .timedOut(.banner, _), .timedOut(.keyExchange, _):
                    guard silences < options.silenceRetries else { throw error }
                    tries = silences
                    silences += 1
                default: throw error
                }
                // Hosts that were refused together must not retry at the same time.
                let seconds = 0.2 * Double(1 << tries) * Double.random(in: 0.5...1.5)
                guard await pause(seconds: seconds) else {
                    throw Failure(
                        error: TransportError(.cancelled, host: target.name), mayTryOpenSSH: false)
                }
            }
        }
    }

    private func openOnce(_ target: SSHTarget, _ timer: StepTimer) async throws(Failure) -> Opened {
        var timer = timer
        let session: Session
        do {
            session = try Session(target: target)
        } catch {
            throw Failure(error: error, mayTryOpenSSH: false)
        }
        var mayTryOpenSSH = false
        do throws(TransportError) {
            let seconds = target.connectTimeoutSeconds
            let known = await knownHosts.entries(
                for: target.hostKeyAlias ?? target.address,
                port: target.hostKeyAlias == nil ? target.port : 22, files: target.knownHostsFiles)
            var place: Permit?
            var notices: [String] = []
            if target.jumps.isEmpty {
                session.attach(try await connect(session, &timer))
            } else {
                let (link, permit, outer) = try await tunnel(session)
                session.attach(link)
                place = permit
                // Reported once, for the first host on this route.
                notices = outer.notices.map { "jump host \(outer.target.name): \($0)" }
                outer.notices = []
                timer.end("jump")
            }
            mayTryOpenSSH = true
            let turn = try await handshakes.turn(of: session, withinSeconds: seconds)
            defer { turn?.end() }
            timer.begin()
            do throws(TransportError) {
                try await session.handshake(knownTypes: known.types, timeoutSeconds: seconds)
            } catch {
                if case .timedOut(.keyExchange, _) = error.kind { turn?.timedOut() }
                throw error
            }
            turn?.succeeded(of: seconds)
            turn?.end()
            notices += try await session.verifyHostKey(known, pinningIn: knownHosts)
            timer.end("kex")
            mayTryOpenSSH = false
            let deadline = Deadline(in: seconds)
            let keys = await identities.find(for: target, until: deadline)
            notices += keys.notices
            mayTryOpenSSH = keys.hasMoreForOpenSSH
            try await session.authenticate(
                as: target.user ?? localUser, with: keys.identities, skipped: keys.skipped,
                until: deadline)
            timer.end("auth")
            return Opened(session: session, steps: timer, notices: notices, place: place)
        } catch {
            session.close()
            throw Failure(error: error, mayTryOpenSSH: mayTryOpenSSH && error.isForOpenSSH)
        }
    }

    // MARK: The link

    private func connect(
        _ session: Session, _ timer: inout StepTimer
    ) async throws(TransportError) -> any Link {
        let target = session.target
        let deadline = Deadline(in: target.connectTimeoutSeconds)
        let addresses: [SocketAddress]
        switch await resolver.resolve(target.address, port: target.port, until: deadline) {
        case .addresses(let found): addresses = found
        case .failed(let reason): throw session.error(.unresolvable(reason: reason))
        case .timedOut: throw session.error(.timedOut(.resolve, seconds: deadline.seconds))
        case .cancelled: throw session.error(.cancelled)
        }
        timer.end("resolve")
        do throws(Connector.Failure) {
            let socket = try await Connector.connect(to: addresses, until: deadline)
            let link: SocketLink
            do {
                link = try SocketLink(socket) { [weak session] in session?.notify() }
            } catch {
                throw Connector.Failure.system(error)
            }
            timer.end("tcp")
            return link
        } catch {
            throw session.error(Self.kind(of: error, deadline))
        }
    }

    private func tunnel(_ session: Session) async throws(TransportError) -> (
        any Link, Permit, outer: Session
    ) {
        let target = session.target
        let path = target.jumps
        guard let permit = await Permit(jumpHosts.turnstile(path)) else {
            throw session.error(.cancelled)
        }
        guard var last = path.last else { throw session.error(.closed) }
        last.jumps = path.dropLast()
        let hop = last
        do throws(TransportError) {
            var mayBeStale = true
            while true {
                let (outer, isFresh) = try await jumpHosts.session(path) {
                    do throws(Failure) {
                        let opened = try await open(hop, StepTimer())
                        opened.session.notices = opened.notices
                        return .success(opened.session)
                    } catch {
                        return .failure(error.error)
                    }
                }
                do throws(TransportError) {
                    let link = try await TunnelLink.open(
                        through: outer, to: target.address, port: target.port,
                        until: Deadline(in: target.connectTimeoutSeconds)
                    ) { [weak session] in session?.notify() }
                    return (link, permit, outer)
                } catch {
                    // A session that was idle for a while may be dead without our knowledge.
                    guard mayBeStale, !isFresh, error.isLoss else { throw error }
                    mayBeStale = false
                    outer.close()
                }
            }
        } catch {
            throw TransportError(
                error.kind, host: "\(target.name) through \(hop.name)", endpoint: error.endpoint)
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

/// A place in a turnstile, released with the last reference to it.
@TransportLoop
final class Permit {
    private let turnstile: Turnstile

    /// Waits for a place; nil when the task is cancelled.
    init?(_ turnstile: Turnstile) async {
        guard await turnstile.enter() else { return nil }
        self.turnstile = turnstile
    }

    isolated deinit { turnstile.leave() }
}

extension TransportError {
    /// Whether the connection went away.
    var isLoss: Bool {
        switch kind {
        case .connectionLost, .closed: true
        default: false
        }
    }

    /// Whether the cause is a limit of libssh2 rather than of the host.
    var isForOpenSSH: Bool {
        switch kind {
        case .noCommonAlgorithm, .hostKeyUnverifiable, .authenticationFailed: true
        case .hostKeyUnknown(_, let others): !others.isEmpty
        default: false
        }
    }

    /// The reason in a few words, for a notice.
    var shortReason: String {
        switch kind {
        case .noCommonAlgorithm(let kind, let offered, _):
            "libssh2 has none of the server's \(kind.rawValue) algorithms "
                + "(\(offered.joined(separator: ", ")))"
        case .hostKeyUnverifiable(let reason): "the host key cannot be checked: \(reason)"
        case .hostKeyUnknown(_, let others):
            "the host is known by \(others.joined(separator: ", ")), which libssh2 cannot check"
        case .authenticationFailed: "libssh2 cannot use all of the keys"
        default: message
        }
    }
}
