import CLinux

/// The ioctl for a message to a network driver; the numbers are those of linux/sockios.h.
package enum LinkRequest: UInt32, Sendable {
    /// The queries and settings of ethtool(8).
    case ethtool = 0x8946
    case setTimestamps = 0x89b0
    case timestamps = 0x89b1
}

/// A socket for queries about interfaces; opened before entering a sandbox that allows no new
/// sockets.
package final class LinkSocket {
    private let descriptor: Descriptor

    package init() throws(SystemError) {
        let answer = clinux_link_socket()
        if answer < 0 { throw SystemError(call: "socket", object: "AF_INET", code: -answer) }
        descriptor = Descriptor(owning: answer)
    }

    package var number: Int32 { descriptor.number }

    /// Passes the message to the driver, and returns what the driver left in its place.
    ///
    /// The message must have the size of its command's structure, including the lists at its end.
    package func ask(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        // No structure without a list is longer, so the driver cannot write past the end of a short
        // message.
        var bytes = message + [UInt8](repeating: 0, count: 512)
        let answer = bytes.withUnsafeMutableBytes {
            clinux_ask_link(descriptor.number, interface, request.rawValue, $0.baseAddress)
        }
        if answer < 0 { throw SystemError(call: "ioctl", object: interface, code: -answer) }
        return Array(bytes.prefix(message.count))
    }
}
