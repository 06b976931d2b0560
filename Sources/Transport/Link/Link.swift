/// Carries a session's bytes: a socket, or a tunnel through another session.
///
/// libssh2 calls `receive` and `send` inside its own calls; both only move bytes between its
/// buffers and ours and never block. `send` accepts everything, since libssh2 1.10 cannot have two
/// partly sent packets; the session waits for `flush` before it passes on more.
@TransportLoop
protocol Link: AnyObject {
    /// The bytes that libssh2 has read so far: shows whether a call consumed input.
    var received: Int { get }
    /// The bytes that have arrived at the link so far: shows whether there is new input.
    var arrived: Int { get }
    /// Whether there is unread input, or the other side has ended.
    var hasInput: Bool { get }
    /// The bytes accepted from libssh2 and not yet sent.
    var unsent: Int { get }
    /// The descriptor that libssh2 is given; it only checks whether the descriptor is blocking.
    var descriptor: Int32 { get }
    /// Why the link has failed; nil while it works.
    var failure: LinkFailure? { get }

    /// Makes input available to `receive`, if that needs a call elsewhere.
    func fill()
    /// Reads at most `count` bytes into `buffer`: returns their count, 0 at the end, or -errno.
    func receive(into buffer: UnsafeMutableRawPointer, count: Int) -> Int
    /// Accepts all bytes; returns -errno once the link has failed.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int
    /// Sends as many of the accepted bytes as possible.
    func flush()
    /// Whether `receive` may have something right now.
    var mayReceive: Bool { get }
    /// Whether the end was reached but not yet reported: after the end, libssh2 1.10 returns
    /// nothing of what it received before. So the end is reported only when libssh2 would otherwise
    /// wait.
    var holdsEnd: Bool { get }
    /// Makes the next `receive` report the end.
    func releaseEnd()
    /// Closes the link; nothing more is sent.
    func close()
}

/// Why a link no longer works.
enum LinkFailure: Sendable, Equatable {
    /// The other side closed it.
    case ended
    /// The kernel's error number.
    case system(Int32)
    /// We closed it.
    case closed
}
