import CLinux
import Glibc

/// A socket to the command port of chronyd (UDP 323 of 127.0.0.1, chrony.conf(5) `cmdport`); opened
/// before entering a sandbox that allows no new sockets.
package final class ChronySocket {
    package static let port: UInt16 = 323
    private let descriptor: Descriptor
    private let name: String

    /// Opens the socket; sends nothing.
    package init(port: UInt16 = ChronySocket.port) throws(SystemError) {
        name = "127.0.0.1:\(port)"
        let answer = clinux_loopback_datagrams(port)
        if answer < 0 { throw SystemError(call: "connect", object: name, code: -answer) }
        descriptor = Descriptor(owning: answer)
    }

    package var number: Int32 { descriptor.number }

    /// Sends a request, up to three times with half a second each, and returns the first answer.
    ///
    /// Throws ECONNREFUSED if nothing listens, ETIMEDOUT if nothing answers.
    package func ask(_ message: [UInt8]) throws(SystemError) -> [UInt8] {
        for _ in 0..<3 {
            do throws(SystemError) {
                try descriptor.writeAll(message)
                var wanted = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
                let ready = poll(&wanted, 1, 500)
                if ready > 0 { return try descriptor.read(upTo: 1024) }
                if ready < 0, errno != EINTR {
                    throw SystemError(call: "poll", object: name, code: errno)
                }
            } catch {
                throw SystemError(call: error.call, object: name, code: error.code)
            }
        }
        throw SystemError(call: "read", object: name, code: ETIMEDOUT)
    }
}
