/// What carries a session's bytes: a socket, or a tunnel through another session.
///
/// libssh2 calls `receive` and `send` from inside its own calls; both only move bytes between its
/// buffers and ours and never wait. `send` takes everything, since libssh2 1.10 cannot have two
/// half-sent packets; the session waits for `flush` before it hands over more.
@TransportLoop
protocol Link: AnyObject {
    /// Bytes that libssh2 has taken so far: tells whether a call consumed input.
    var received: Int { get }
    /// Bytes that have reached the link so far: tells whether there is anything new.
    var arrived: Int { get }
    /// Whether the other side has sent something that nobody has taken yet, or has ended.
    var hasInput: Bool { get }
    /// Bytes taken from libssh2 and not yet handed on.
    var unsent: Int { get }
    /// The descriptor libssh2 is told about; it only asks whether it blocks.
    var descriptor: Int32 { get }
    /// Why the link cannot carry more; nil while it can.
    var failure: LinkFailure? { get }

    /// Makes input available to `receive` where that takes a call elsewhere.
    func fill()
    /// At most `count` bytes into `buffer`: their count, 0 at the end, -errno.
    func receive(into buffer: UnsafeMutableRawPointer, count: Int) -> Int
    /// Takes all bytes; -errno once the link has failed.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int
    /// Hands on what it can of what was taken.
    func flush()
    /// Whether `receive` may have something right now.
    var mayReceive: Bool { get }
    /// Whether the end has come and was held back: told of it, libssh2 1.10 hands out nothing of what
    /// it had received before. So it is told only when it would otherwise wait.
    var holdsEnd: Bool { get }
    /// Has the next `receive` tell of the end.
    func releaseEnd()
    /// Closes it; nothing is sent any more.
    func close()
}

/// Why a link carries nothing any more.
enum LinkFailure: Sendable, Equatable {
    /// The other side closed it.
    case ended
    /// The kernel's error number.
    case system(Int32)
    /// We closed it.
    case closed
}
