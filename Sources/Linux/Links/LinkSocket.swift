import CLinux

/// What a message to a network driver is about; the numbers are those of linux/sockios.h.
package enum LinkRequest: UInt32, Sendable {
    /// What ethtool(8) asks and sets.
    case ethtool = 0x8946
    case setTimestamps = 0x89b0
    case timestamps = 0x89b1
}

/// A socket to ask about interfaces by; opened before a sandbox is entered that opens none.
package final class LinkSocket {
    private let descriptor: Descriptor

    package init() throws(SystemError) {
        let answer = clinux_link_socket()
        if answer < 0 { throw SystemError(call: "socket", object: "AF_INET", code: -answer) }
        descriptor = Descriptor(owning: answer)
    }

    package var number: Int32 { descriptor.number }

    /// Hands the message to the driver; what it left in its place.
    ///
    /// The message has the room that its command's structure takes, lists at its end included.
    package func ask(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        // No structure without a list is longer: a short message is no way past its end.
        var bytes = message + [UInt8](repeating: 0, count: 512)
        let answer = bytes.withUnsafeMutableBytes {
            clinux_ask_link(descriptor.number, interface, request.rawValue, $0.baseAddress)
        }
        if answer < 0 { throw SystemError(call: "ioctl", object: interface, code: -answer) }
        return Array(bytes.prefix(message.count))
    }
}
