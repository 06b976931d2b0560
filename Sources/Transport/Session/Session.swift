import CKeys
import CSSH2
import Glibc
import Linux

/// The only owner of a libssh2 session.
///
/// Several tasks may have calls in progress at once (a read, a write, tunnels of inner sessions); a
/// call that would block waits for the next activity and is repeated.
@TransportLoop
final class Session {
    /// The number of bytes a server may send before the login; only a broken or hostile server
    /// sends more.
    private static let unauthenticatedLimit = 1 << 20

    /// Notified after input was consumed or became available, and when the session ends.
    let activity = Notifier()
    /// Called at the same moments: the tunnels of inner sessions through this one.
    var observers: [ObjectIdentifier: @TransportLoop () -> Void] = [:]
    /// What the server sent before keys were exchanged.
    var greeting = Greeting()
    /// The signature for the key being offered; set during authentication.
    var pendingSignature: PendingSignature?
    /// The server's text when it disconnected (RFC 4253, 11.1).
    private(set) var disconnectText: String?
    var isAuthenticated = false
    /// Notices about this session that the user has not been given yet.
    var notices: [String] = []
    /// The target, for messages.
    let target: SSHTarget

    private(set) var raw: OpaquePointer?
    /// The pointer by which callbacks find this session.
    private(set) var context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    private var link: (any Link)?
    private var isNotifying = false
    /// The seconds that signing took, for example while a user typed a passphrase or touched a key:
    /// they do not count against the host.
    var signingSeconds = 0.0
    /// Channel opens share one state in libssh2, so only one may run at a time.
    let opening = Turnstile()

    init(target: SSHTarget) throws(TransportError) {
        self.target = target
        if let code = LibSSH2.failure {
            throw TransportError(.system("libssh2_init failed (\(code))"), host: target.name)
        }
        raw = cssh2_session_new(Unmanaged.passUnretained(self).toOpaque())
        context = raw.flatMap { libssh2_session_abstract($0) }
        guard let raw else { throw TransportError(.system("out of memory"), host: target.name) }
        libssh2_session_set_blocking(raw, 0)
        cssh2_session_set_callbacks(raw, receiveCallback, sendCallback, disconnectCallback)
    }

    // Every path ends in close(); this is a safeguard for an abandoned session.
    isolated deinit { close() }

    /// Attaches the link that carries the session's bytes; once, before the handshake.
    func attach(_ link: any Link) { self.link = link }

    var descriptor: Int32 { link?.descriptor ?? -1 }
    var unsent: Int { link?.unsent ?? 0 }
    var received: Int { link?.received ?? 0 }
    var hasInput: Bool {
        link?.fill()
        return link?.hasInput ?? true
    }
    var isOpen: Bool { raw != nil }
    /// Whether the other side is known to be gone.
    var isGone: Bool {
        disconnectText != nil || link == nil || link?.failure != nil || link?.holdsEnd == true
    }

    // MARK: Calls

    /// Repeats a libssh2 call until it no longer returns EAGAIN; returns its result.
    ///
    /// Throws when the deadline passes, the task is cancelled (which closes the session) or the
    /// session is closed meanwhile. Errors of libssh2 are returned, not thrown.
    func call(
        _ phase: TransportError.Phase, until deadline: Deadline?,
        _ operation: @TransportLoop (OpaquePointer) -> Int
    ) async throws(TransportError) -> Int {
        while true {
            guard let raw else { throw error(.closed) }
            let result = attempt { operation(raw) }
            if result != Int(LIBSSH2_ERROR_EAGAIN) { return result }
            if hasSentTooMuch {
                throw error(.connectionLost(phase, reason: "the server sent too much"))
            }
            try await waitForActivity(phase, until: deadline)
        }
    }

    /// Makes a libssh2 call between filling and flushing the link, and repeats it while it would
    /// block although there is more input; wakes waiters if it consumed input.
    func attempt(_ operation: () -> Int) -> Int {
        while true {
            guard let link else { return operation() }
            link.fill()
            let received = link.received
            let arrived = link.arrived
            let result = operation()
            link.flush()
            if link.received != received { notify() }
            guard result == Int(LIBSSH2_ERROR_EAGAIN), isOpen, !hasSentTooMuch else {
                return result
            }
            if link.holdsEnd {
                link.releaseEnd()
                continue
            }
            // A call that consumed nothing waits for something other than input, such as a
            // signature.
            link.fill()
            guard link.mayReceive || link.holdsEnd,
                link.received != received || link.arrived != arrived
            else {
                return result
            }
        }
    }

    private var hasSentTooMuch: Bool {
        !isAuthenticated && (link?.received ?? 0) > Self.unauthenticatedLimit
    }

    /// Waits until something may have changed.
    func waitForActivity(
        _ phase: TransportError.Phase, until deadline: Deadline?
    ) async throws(TransportError) {
        switch await activity.wait(until: deadline.map { $0.instant + signingSeconds }) {
        case .notified: break
        case .timedOut:
            if pendingSignature?.waitsForPerson == true {
                return try await waitForActivity(phase, until: nil)
            }
            throw error(.timedOut(phase, seconds: deadline?.seconds ?? 0))
        case .cancelled:
            close()
            throw error(.cancelled)
        }
    }

    /// Waits until everything written has been passed to the kernel or the outer session.
    func waitUntilSent(
        _ phase: TransportError.Phase, until deadline: Deadline?
    ) async throws(TransportError) {
        while isOpen, let link, link.unsent > 0, link.failure == nil {
            try await waitForActivity(phase, until: deadline)
        }
    }

    /// Wakes all waiters: input was consumed or has arrived, or the session has ended.
    func notify() {
        activity.notifyAll()
        // An observer reads from this session, which may notify again: the current round covers
        // that.
        guard !isNotifying, !observers.isEmpty else { return }
        isNotifying = true
        defer { isNotifying = false }
        var before: Int
        repeat {
            before = link?.received ?? 0
            for observer in observers.values { observer() }
        } while (link?.received ?? 0) != before
    }

    /// Ends the session: sends a disconnect message if that is possible without waiting, and frees
    /// everything.
    func close() {
        guard let raw else { return }
        self.raw = nil
        if link?.failure == nil, isAuthenticated { _ = cssh2_session_disconnect(raw) }
        link?.flush()
        link?.close()
        // With the link closed no call can wait for anything.
        libssh2_session_set_blocking(raw, 0)
        var attempts = 0
        while libssh2_session_free(raw) == LIBSSH2_ERROR_EAGAIN, attempts < 8 { attempts += 1 }
        pendingSignature = nil
        notify()
        observers = [:]
    }

    // MARK: Errors

    func error(_ kind: TransportError.Kind) -> TransportError {
        TransportError(kind, host: target.name, endpoint: target.endpoint)
    }

    /// The error behind a negative result.
    func failure(_ result: Int, _ phase: TransportError.Phase) -> TransportError {
        if let disconnectText { return error(.connectionLost(phase, reason: disconnectText)) }
        switch link?.failure {
        case .ended:
            return error(.connectionLost(phase, reason: "the host closed the connection"))
        case .system(let code):
            return error(.connectionLost(phase, reason: SystemError.text(of: code)))
        case .closed: return error(.closed)
        case nil: return error(.connectionLost(phase, reason: lastMessage(result)))
        }
    }

    /// The text of libssh2's last error.
    func lastMessage(_ result: Int) -> String {
        guard let raw else { return "error \(result)" }
        var text: UnsafeMutablePointer<CChar>?
        var length: Int32 = 0
        libssh2_session_last_error(raw, &text, &length, 0)
        guard let text, length > 0 else { return "libssh2 error \(result)" }
        let bytes = UnsafeRawBufferPointer(start: text, count: Int(length))
        return "\(String(decoding: bytes, as: UTF8.self)) (libssh2 error \(result))"
    }

    // MARK: Callbacks

    fileprivate func receive(_ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
        guard let link else { return -Int(ENOTCONN) }
        let n = link.receive(into: buffer, count: count)
        if n > 0, !greeting.isComplete {
            greeting.append(UnsafeRawBufferPointer(start: buffer, count: n))
        }
        return n
    }

    fileprivate func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        link?.send(bytes) ?? -Int(ENOTCONN)
    }

    fileprivate func disconnected(_ reason: Int32, _ text: String) {
        disconnectText = text.isEmpty ? "the server disconnected (reason \(reason))" : text
    }

    /// The session whose callback was called; valid during the callback, which runs only inside our
    /// own calls.
    nonisolated static func of(
        _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> Session? {
        context?.pointee.map { Unmanaged<Session>.fromOpaque($0).takeUnretainedValue() }
    }
}

private let receiveCallback: cssh2_receive = { _, buffer, count, _, context in
    guard let session = Session.of(context), let buffer else { return -Int(EINVAL) }
    let address = UInt(bitPattern: buffer)
    return TransportLoop.assumeIsolated {
        guard let buffer = UnsafeMutableRawPointer(bitPattern: address) else { return -Int(EINVAL) }
        return session.receive(buffer, count)
    }
}

private let sendCallback: cssh2_send = { _, buffer, count, _, context in
    guard let session = Session.of(context), let buffer else { return -Int(EINVAL) }
    let address = UInt(bitPattern: buffer)
    return TransportLoop.assumeIsolated {
        session.send(
            UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
    }
}

private let disconnectCallback: cssh2_disconnect = { _, reason, text, length, _, _, context in
    guard let session = Session.of(context) else { return }
    let bytes = UnsafeRawBufferPointer(start: text, count: text == nil ? 0 : Int(length))
    let message = String(decoding: bytes, as: UTF8.self)
    TransportLoop.assumeIsolated { session.disconnected(reason, message) }
}

/// A point in time by which something must have happened, and the time allowed for it.
struct Deadline: Sendable {
    /// An instant of CLOCK_MONOTONIC.
    let instant: Double
    let seconds: Double

    init(in seconds: Double) {
        self.seconds = seconds
        instant = Clock.monotonicSeconds() + seconds
    }
}

/// The library's global state.
enum LibSSH2 {
    /// The code of a failed libssh2_init; nil if it succeeded.
    ///
    /// Calls it once.
    static let failure: Int32? = {
        ckeys_prepare()
        let code = libssh2_init(0)
        return code == 0 ? nil : code
    }()

    /// The version in use: `1.10.0`.
    static let version = libssh2_version(0).map { String(cString: $0) } ?? ""
}
