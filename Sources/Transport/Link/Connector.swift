import Glibc
import Linux

/// Opens TCP connections on the loop.
@TransportLoop
enum Connector {
    enum Failure: Error {
        case timedOut, cancelled
        case system(SystemError)
    }

    /// Seconds after which the next address is also tried (RFC 8305, section 5).
    private static let stagger = 0.25

    /// A connected, non-blocking socket to the first of the addresses that answers.
    static func connect(
        to addresses: [SocketAddress], until deadline: Deadline
    ) async throws(Failure) -> Descriptor {
        let changed = Notifier()
        var attempts: [Attempt] = []
        defer { for attempt in attempts { attempt.close() } }
        var lastError = SystemError(call: "connect", object: "socket", code: EADDRNOTAVAIL)
        var rest = addresses[...]
        var mayTryNext = true
        while true {
            if mayTryNext || attempts.isEmpty, let address = rest.popFirst() {
                mayTryNext = false
                do {
                    attempts.append(try Attempt(address, changed))
                } catch {
                    lastError = error
                    // Without descriptors the next address would fail as well.
                    if error.code == EMFILE || error.code == ENFILE { throw .system(error) }
                    continue
                }
            }
            for attempt in attempts where attempt.isReady {
                if let error = attempt.finish() {
                    lastError = error
                } else if let socket = attempt.take() {
                    return socket
                }
            }
            attempts.removeAll { $0.isOver }
            if attempts.isEmpty {
                if rest.isEmpty { throw .system(lastError) }
                continue
            }
            let soon = Clock.monotonicSeconds() + stagger
            let wake = await changed.wait(
                until: rest.isEmpty ? deadline.instant : min(deadline.instant, soon))
            switch wake {
            case .notified: break
            case .cancelled: throw .cancelled
            case .timedOut:
                if Clock.monotonicSeconds() >= deadline.instant { throw .timedOut }
                mayTryNext = true
            }
        }
    }
}

/// One connect(2) in progress.
@TransportLoop
private final class Attempt {
    private var socket: Descriptor?
    private var watch: Watch?
    private(set) var isReady = false

    var isOver: Bool { socket == nil }

    init(_ address: SocketAddress, _ changed: Notifier) throws(SystemError) {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = Glibc.socket(address.family, type, 0)
        try check(number, "socket", "TCP connection")
        let socket = Descriptor(owning: number)
        TCPOptions.set(on: number)
        let result = address.bytes.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) {
                Glibc.connect(number, $0.baseAddress, socklen_t(address.bytes.count))
            }
        }
        if result != 0, errno != EINPROGRESS {
            throw SystemError(call: "connect", object: "socket", code: errno)
        }
        isReady = result == 0
        self.socket = consume socket
        watch = try Poller.shared.watch(number, .output) { [weak self] _ in
            self?.isReady = true
            changed.notifyAll()
        }
    }

    /// The result of a connect that is ready: nil if the connection is established.
    func finish() -> SystemError? {
        guard let number = socket?.number else { return nil }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
        if code == 0 { return nil }
        close()
        return SystemError(call: "connect", object: "socket", code: code)
    }

    /// Transfers ownership of the socket.
    func take() -> Descriptor? {
        if let watch { Poller.shared.unwatch(watch) }
        watch = nil
        return socket.take()
    }

    func close() { _ = take() }
}

/// Options that every connection sets.
private enum TCPOptions {
    static func set(on socket: Int32) {
        let tcp = Int32(IPPROTO_TCP)
        set(socket, tcp, TCP_NODELAY, 1)
        // A lost peer is detected after 15 + 3 x 5 s, at no cost to the host.
        set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(socket, tcp, TCP_KEEPIDLE, 15)
        set(socket, tcp, TCP_KEEPINTVL, 5)
        set(socket, tcp, TCP_KEEPCNT, 3)
        set(socket, tcp, TCP_USER_TIMEOUT, 30_000)
    }

    private static func set(_ socket: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
