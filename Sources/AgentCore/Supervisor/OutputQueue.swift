import Glibc

/// Bytes to write to a descriptor that may not accept them at once.
///
/// The descriptor is left blocking, since the controller's side may share it with other programs:
/// each write is of at most a pipe's atomic size, after poll(2) said that there is room.
struct OutputQueue {
    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var start = 0
    /// How many bytes already sent may remain before those that wait.
    private static let sentLimit = 256 << 10
    /// Whether the other end no longer accepts data; everything is dropped then.
    private(set) var isBroken = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: [UInt8]) {
        if isBroken { return }
        if start == bytes.count {
            bytes = more
            start = 0
            return
        }
        // Removes what was sent; otherwise a queue that never becomes empty keeps all its data.
        if start >= OutputQueue.sentLimit {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// Notes that the other end is gone.
    mutating func breakOff() {
        isBroken = true
        bytes = []
        start = 0
    }

    /// Writes as much as there is room for.
    mutating func flush() {
        while !isEmpty {
            var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&polled, 1, 0) > 0 else { return }
            let n = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress?.advanced(by: start), min(count, 4096))
            }
            if n < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            if n <= 0 { return breakOff() }
            start += n
        }
    }
}
