import CLinux
import Glibc

/// What the driver of a network interface says of itself and its card.
package struct LinkInfo: Sendable, Equatable {
    package var driver: String
    /// The driver's version; the kernel's for one of its own.
    package var version: String
    /// The card's firmware, as the driver words it; empty where it does not say.
    package var firmware: String
    /// The address the card was made with; nil where it has none.
    package var permanentAddress: String?

    package init(
        driver: String, version: String, firmware: String, permanentAddress: String? = nil
    ) {
        self.driver = driver
        self.version = version
        self.firmware = firmware
        self.permanentAddress = permanentAddress
    }
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

    package func info(_ interface: String) throws(SystemError) -> LinkInfo {
        var raw = clinux_link_info()
        let answer = clinux_ask_link(descriptor.number, interface, &raw)
        if answer < 0 { throw SystemError(call: "ioctl", object: interface, code: -answer) }
        let address = withUnsafeBytes(of: raw.permanent) {
            Array($0.prefix(Int(raw.permanent_size)))
        }
        let isSet = address.contains { $0 != 0 }
        return LinkInfo(
            driver: Self.text(raw.driver), version: Self.text(raw.version),
            firmware: Self.text(raw.firmware),
            permanentAddress: isSet
                ? address.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                    .joined(separator: ":") : nil)
    }

    /// A fixed array of C as text, with what drivers pad it with taken away.
    private static func text<T>(_ array: T) -> String {
        let bytes = withUnsafeBytes(of: array) { Array($0.prefix { $0 != 0 }) }
        var text = String(decoding: bytes, as: UTF8.self)
        while text.last == " " { text.removeLast() }
        return text
    }
}
