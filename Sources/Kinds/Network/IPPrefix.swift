import Glibc

/// An IP address with a prefix length, `10.1.2.3/24` or `fd00::1/64`.
package struct IPPrefix: Sendable, Hashable {
    /// Four or sixteen bytes, in network order.
    package let bytes: [UInt8]
    /// The prefix length in bits.
    package let length: Int

    /// Reads an address with an optional prefix length; the default is 32 or 128.
    ///
    /// Throws if the address (a part too large, leading zeros) or the length is not valid.
    package init(_ text: String) throws(ValueFault) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let bytes = IPPrefix.bytes(of: String(parts[0])) else {
            throw ValueFault("\"\(text)\" is not an IP address")
        }
        self.bytes = bytes
        guard parts.count == 2 else {
            length = bytes.count * 8
            return
        }
        guard let length = Int(parts[1]), (0...bytes.count * 8).contains(length),
            String(length) == parts[1]
        else {
            throw ValueFault(
                "\"\(parts[1])\" in \"\(text)\" is not a prefix length",
                hint: "write 0 to \(bytes.count * 8) bits: \(parts[0])/24")
        }
        self.length = length
    }

    package init(bytes: [UInt8], length: Int) {
        self.bytes = bytes
        self.length = length
    }

    private static func bytes(of text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }

    package var isIPv4: Bool { bytes.count == 4 }

    /// The address without the prefix length; IPv6 in the form of RFC 5952.
    package var address: String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &buffer, 64) != nil else { return "" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    package var text: String { "\(address)/\(length)" }

    /// Whether all bits after the prefix are zero.
    package var isNetwork: Bool { network.bytes == bytes }

    /// The network that the address is in.
    package var network: IPPrefix {
        var masked = bytes
        for index in masked.indices {
            let bits = min(8, max(0, length - 8 * index))
            masked[index] &= bits == 0 ? 0 : UInt8.max << UInt8(8 - bits)
        }
        return IPPrefix(bytes: masked, length: length)
    }

    /// Whether another address is in the network of this one.
    package func contains(_ other: IPPrefix) -> Bool {
        bytes.count == other.bytes.count
            && IPPrefix(bytes: other.bytes, length: length).network.bytes == network.bytes
    }
}
