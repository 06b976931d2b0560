import Glibc
import Linux

/// A connected TCP socket.
@TransportLoop
final class SocketLink: Link {
    private var socket: Descriptor?
    private var watch: Watch?
    private var outbound: [UInt8] = []
    private var outboundStart = 0
    private var mayWrite = true
    private(set) var mayReceive = true
    private(set) var received = 0
    private(set) var failure: LinkFailure?
    private(set) var holdsEnd = false
    private var heldError: Int32 = 0
    let descriptor: Int32

    /// Takes a connected, non-blocking socket; `onEvent` is called whenever it becomes ready.
    init(
        _ socket: consuming Descriptor, onEvent: @escaping @TransportLoop () -> Void
    ) throws(SystemError) {
        descriptor = socket.number
        self.socket = consume socket
        watch = try Poller.shared.watch(descriptor, [.input, .output]) { [weak self] readiness in
            self?.becameReady(readiness)
            onEvent()
        }
    }

    /// Input stays in the kernel until it is received.
    var arrived: Int { received }
    var unsent: Int { outbound.count - outboundStart }

    var hasInput: Bool {
        if failure != nil || holdsEnd { return true }
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) >= 0
            || errno != EAGAIN
    }

    func fill() {}

    private func becameReady(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: [.input, .over]), !holdsEnd { mayReceive = true }
        if !readiness.isDisjoint(with: [.output, .over]) {
            mayWrite = true
            flush()
        }
    }

    func receive(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        if case .closed = failure { return -Int(ECONNRESET) }
        if failure != nil { return -Int(heldError) }
        guard mayReceive, !holdsEnd else { return -Int(EAGAIN) }
        var n: Int
        repeat { n = recv(descriptor, buffer, count, 0) } while n < 0 && errno == EINTR
        if n > 0 {
            received += n
            return n
        }
        if n == 0 || errno != EAGAIN {
            heldError = n == 0 ? 0 : errno
            holdsEnd = true
        }
        mayReceive = false
        return -Int(EAGAIN)
    }

    func releaseEnd() {
        holdsEnd = false
        failure = failure ?? (heldError == 0 ? .ended : .system(heldError))
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch failure {
        case .closed: return -Int(EPIPE)
        case .system(let code): return -Int(code)
        case .ended, nil: break
        }
        outbound.append(contentsOf: bytes)
        return bytes.count
    }

    func flush() {
        while unsent > 0, mayWrite {
            let n = outbound.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: outboundStart), unsent,
                    Int32(MSG_NOSIGNAL))
            }
            if n >= 0 {
                outboundStart += n
            } else if errno == EAGAIN {
                mayWrite = false
            } else if errno != EINTR {
                // Earlier input may still be useful; the next receive reports the end.
                if !holdsEnd, failure == nil {
                    heldError = errno
                    holdsEnd = true
                }
                outboundStart = outbound.count
            }
        }
        if outboundStart == outbound.count {
            // An idle session needs no buffer.
            outbound = []
            outboundStart = 0
        }
    }

    func close() {
        if let watch { Poller.shared.unwatch(watch) }
        watch = nil
        if failure != .closed { flush() }
        failure = .closed
        outbound = []
        outboundStart = 0
        socket = nil
    }
}
