import CLinux
import Glibc

/// The one owner of an open file descriptor: closed when it goes out of scope.
package struct Descriptor: ~Copyable {
    /// The descriptor's number in the kernel; valid while this value lives.
    package let number: Int32

    /// Takes ownership of an open descriptor.
    package init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Gives up ownership and returns the number; the caller closes it.
    package consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    /// Opens a path; O_CLOEXEC is always set.
    ///
    /// The corresponding C function is `open`.
    package static func open(
        _ path: String, _ flags: Int32, mode: mode_t = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checkNegated(clinux_open(path, flags, mode), "open", path))
    }

    /// Both ends of a pipe, close-on-exec.
    package static func pipe() throws(SystemError) -> Pipe {
        var ends: [Int32] = [0, 0]
        try checkNegated(clinux_pipe(&ends), "pipe", "two new descriptors")
        return Pipe(read: Descriptor(owning: ends[0]), write: Descriptor(owning: ends[1]))
    }

    /// Reads at most `count` bytes, from an offset if one is given; empty at the end of the file.
    package func read(
        upTo count: Int, from offset: Int? = nil
    ) throws(SystemError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var n: Int
            repeat {
                n =
                    if let offset { pread(number, buffer.baseAddress, count, off_t(offset)) } else {
                        Glibc.read(number, buffer.baseAddress, count)
                    }
            } while n < 0 && errno == EINTR
            if n < 0 { failure = errno }
            filled = max(0, n)
        }
        if failure != 0 {
            throw SystemError(call: "read", object: "descriptor \(number)", code: failure)
        }
        return bytes
    }

    /// Writes all bytes, however many calls that takes.
    package func writeAll(_ bytes: some Collection<UInt8>) throws(SystemError) {
        let all = Array(bytes)
        var done = 0
        while done < all.count {
            let n = all.withUnsafeBytes {
                Glibc.write(number, $0.baseAddress?.advanced(by: done), all.count - done)
            }
            if n < 0 {
                if errno == EINTR { continue }
                throw SystemError(call: "write", object: "descriptor \(number)", code: errno)
            }
            done += n
        }
    }

    /// Adds or removes O_NONBLOCK.
    package func setNonblocking(_ enabled: Bool) throws(SystemError) {
        try checkNegated(
            clinux_set_nonblocking(number, enabled ? 1 : 0), "fcntl", "descriptor \(number)")
    }
}

/// The two ends of a pipe.
package struct Pipe: ~Copyable {
    package var read: Descriptor
    package var write: Descriptor

    package init(read: consuming Descriptor, write: consuming Descriptor) {
        self.read = read
        self.write = write
    }

    /// Hands out both ends.
    package consuming func split(
        _ body: (consuming Descriptor, consuming Descriptor) throws -> Void
    ) rethrows {
        try body(read, write)
    }
}
