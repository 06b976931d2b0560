import CSSH2
import Glibc

/// A `direct-tcpip` channel of an outer session that carries an inner session.
///
/// Data read by any call on the outer session may be for this tunnel, so after each call the outer
/// session notifies all of its tunnels.
@TransportLoop
final class TunnelLink: Link {
    /// libssh2 buffers up to this and one read's worth per tunnel.
    private static let window: UInt32 = 32 * 1024
    private static let pieceSize = 16 * 1024
    /// While the outer link has more unsent bytes than this, tunnels hold theirs back.
    private static let outerLimit = 64 * 1024

    private let outer: Session
    private var channel: OpaquePointer?
    private let onEvent: @TransportLoop () -> Void
    private var inbound: [UInt8] = []
    private var inboundStart = 0
    private var hasEnded = false
    private var outbound: [UInt8] = []
    private var outboundStart = 0
    private var isMoving = false
    private var hasMissed = false
    private(set) var received = 0
    private(set) var arrived = 0
    var hasInput: Bool { arrived > received || holdsEnd || failure != nil }
    private(set) var failure: LinkFailure?

    /// Asks the outer session's host to connect to an address in its network.
    static func open(
        through outer: Session, to host: String, port: Int, until deadline: Deadline,
        onEvent: @escaping @TransportLoop () -> Void
    ) async throws(TransportError) -> TunnelLink {
        guard await outer.opening.enter(until: deadline.instant) else {
            if Task.isCancelled { throw outer.error(.cancelled) }
            throw outer.error(.timedOut(.connect, seconds: deadline.seconds))
        }
        defer { outer.opening.leave() }
        // RFC 4254, 7.2: the destination, and the originator, which servers ignore.
        var message = SSHWriter()
        message.string(host)
        message.uint32(UInt32(port))
        message.string("127.0.0.1")
        message.uint32(0)
        var opened: OpaquePointer?
        let result = try await outer.call(.connect, until: deadline) { raw in
            message.bytes.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    opened = cssh2_channel_open_tunnel(
                        raw, window, 32_768, $0.baseAddress, UInt32($0.count))
                }
            }
            return opened == nil ? Int(libssh2_session_last_errno(raw)) : 0
        }
        guard let opened else {
            if result == Int(LIBSSH2_ERROR_CHANNEL_FAILURE) {
                throw outer.error(
                    .jumpRefused(
                        destination: "\(host):\(port)", reason: outer.lastMessage(result)))
            }
            throw outer.failure(result, .connect)
        }
        return TunnelLink(outer, opened, onEvent)
    }

    private init(
        _ outer: Session, _ channel: OpaquePointer, _ onEvent: @escaping @TransportLoop () -> Void
    ) {
        self.outer = outer
        self.channel = channel
        self.onEvent = onEvent
        outer.observers[ObjectIdentifier(self)] = { [weak self] in self?.outerMoved() }
    }

    var descriptor: Int32 { outer.descriptor }
    var unsent: Int { outbound.count - outboundStart }
    var mayReceive: Bool { inboundStart < inbound.count }
    var holdsEnd: Bool { hasEnded && inboundStart == inbound.count && failure == nil }

    func releaseEnd() { failure = failure ?? .ended }

    /// Called when the outer session has consumed input or was flushed: some of it may concern this
    /// tunnel.
    private func outerMoved() {
        if isMoving {
            // Called during one of our own calls; its result is examined right afterwards.
            guard !hasMissed else { return }
            hasMissed = true
            Task { @TransportLoop in
                hasMissed = false
                outerMoved()
            }
            return
        }
        let before = unsent
        fill()
        flush()
        if mayReceive || holdsEnd || failure != nil || !outer.isOpen || unsent < before {
            onEvent()
        }
    }

    func fill() {
        guard inboundStart == inbound.count, !hasEnded, failure == nil, !isMoving else { return }
        guard outer.isOpen, let channel else {
            hasEnded = true
            return
        }
        isMoving = true
        defer { isMoving = false }
        _ = outer.attempt {
            var n = 0
            inbound = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, filled in
                n = buffer.withMemoryRebound(to: CChar.self) {
                    libssh2_channel_read_ex(channel, 0, $0.baseAddress, $0.count)
                }
                filled = max(0, n)
            }
            inboundStart = 0
            arrived += inbound.count
            if n > 0 { return n }
            inbound = []
            if n == 0, libssh2_channel_eof(channel) != 1 { return Int(LIBSSH2_ERROR_EAGAIN) }
            hasEnded = n != Int(LIBSSH2_ERROR_EAGAIN)
            return n
        }
    }

    func receive(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        switch failure {
        case .ended: return 0
        case .closed, .system: return -Int(ECONNRESET)
        case nil: break
        }
        let available = inbound.count - inboundStart
        if available == 0 { return -Int(EAGAIN) }
        let n = min(available, count)
        inbound.withUnsafeBytes { bytes in
            buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[inboundStart..<inboundStart + n])
                    .baseAddress ?? UnsafeRawPointer(buffer), byteCount: n)
        }
        inboundStart += n
        received += n
        if inboundStart == inbound.count {
            inbound = []
            inboundStart = 0
        }
        return n
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard failure == nil, outer.isOpen else { return -Int(EPIPE) }
        outbound.append(contentsOf: bytes)
        return bytes.count
    }

    func flush() {
        guard !isMoving, let channel else { return }
        isMoving = true
        defer { isMoving = false }
        while unsent > 0, outer.isOpen, outer.unsent < Self.outerLimit {
            let n = outer.attempt {
                outbound.withUnsafeBytes { bytes in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[outboundStart...])
                    let n = libssh2_channel_write_ex(
                        channel, 0, rest.baseAddress?.assumingMemoryBound(to: CChar.self),
                        rest.count)
                    // 0 means that the peer's window is full; the peer's next message reopens it.
                    return n == 0 ? Int(LIBSSH2_ERROR_EAGAIN) : n
                }
            }
            if n > 0 {
                outboundStart += n
            } else if n == Int(LIBSSH2_ERROR_EAGAIN) {
                break
            } else {
                hasEnded = true
                outboundStart = outbound.count
            }
        }
        if outboundStart == outbound.count {
            outbound = []
            outboundStart = 0
        }
    }

    func close() {
        flush()
        failure = .closed
        outer.observers[ObjectIdentifier(self)] = nil
        guard let channel, outer.isOpen else { return }
        self.channel = nil
        let outer = outer
        // The jump host must confirm; until then the outer session still has the channel.
        Task { @TransportLoop in
            _ = try? await outer.call(.run, until: Deadline(in: 5)) { _ in
                Int(libssh2_channel_free(channel))
            }
        }
    }
}
