import CKeys
import CSSH2
import Glibc
import Linux

/// The one owner of a libssh2 session.
///
/// Several tasks may have calls under way at once (a read, a write, tunnels of inner sessions); each
/// call that would block waits for the next activity and is made again.
@TransportLoop
final class Session {
    /// Bytes a server may send before it has let us in; only a broken or hostile one needs more.
    private static let unauthenticatedLimit = 1 << 20

    /// Notified after input was consumed or became available, and when the session ends.
    let activity = Notifier()
    /// Called at the same moments: the tunnels that inner sessions have through this one.
    var observers: [ObjectIdentifier: @TransportLoop () -> Void] = [:]
    /// What the server said before keys were exchanged.
    var greeting = Greeting()
    /// The signature for the key being offered; set during authentication.
    var pendingSignature: PendingSignature?
    /// What the server said when it hung up (RFC 4253, 11.1).
    private(set) var disconnectText: String?
    var isAuthenticated = false
    /// What a user should be told of this session and has not been.
    var notices: [String] = []
    /// For messages.
    let target: SSHTarget

    private(set) var raw: OpaquePointer?
    /// What callbacks of this session find it by.
    private(set) var context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    private var link: (any Link)?
    private var isNotifying = false
    /// Seconds that signing took, of someone who had to type a passphrase or touch a key, say:
    /// the host's time stands still meanwhile.
    var signingSeconds = 0.0
    /// Channel opens share one state in libssh2: one at a time.
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

    // Every path ends in close(); this is the last resort of an abandoned session.
    isolated deinit { close() }

    /// Has the session's bytes carried by a link; once, before the handshake.
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

    /// Makes a libssh2 call again and again until it no longer answers EAGAIN; its result.
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

    /// A call of libssh2 between filling and flushing the link, made again for as long as it would
    /// block though there is more input; wakes others where it consumed some.
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
            // A call that took nothing waits for something else than input, such as a signature.
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

    /// Waits until all that was written has been handed to the kernel or the outer session.
    func waitUntilSent(
        _ phase: TransportError.Phase, until deadline: Deadline?
    ) async throws(TransportError) {
        while isOpen, let link, link.unsent > 0, link.failure == nil {
            try await waitForActivity(phase, until: deadline)
        }
    }

    /// Wakes whoever waits: input was consumed or is there, or the session has ended.
    func notify() {
        activity.notifyAll()
        // An observer reads from this session, which may notify again: that round covers it.
        guard !isNotifying, !observers.isEmpty else { return }
        isNotifying = true
        defer { isNotifying = false }
        var before: Int
        repeat {
            before = link?.received ?? 0
            for observer in observers.values { observer() }
        } while (link?.received ?? 0) != before
    }

    /// Ends the session: says good-bye if it can be said without waiting, and frees everything.
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

    /// What libssh2 says of its last error.
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
        disconnectText = text.isEmpty ? "the server hung up (reason \(reason))" : text
    }

    /// The session whose callback was called; valid during the callback, which only calls of ours make.
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

/// A point in time by which something must have happened, and the allowance it came from.
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
    /// The code of a failed libssh2_init; nil when it is ready.
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
