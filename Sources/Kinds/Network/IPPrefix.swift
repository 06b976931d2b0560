import Glibc

/// An IP address with the length of its network, `10.1.2.3/24` or `fd00::1/64`.
package struct IPPrefix: Sendable, Hashable {
    /// Four bytes or sixteen, in network order.
    package let bytes: [UInt8]
    /// Bits of the network.
    package let length: Int

    /// Reads an address; one without a length is a network of its own (32 or 128).
    ///
    /// Throws where it is none: a part too large, leading zeros, a length beyond the address.
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
                "\"\(parts[1])\" is not the length of a network in \"\(text)\"",
                hint: "bits, 0 to \(bytes.count * 8): \(parts[0])/24")
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

    /// The address alone, in its usual form (RFC 5952).
    package var address: String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &buffer, 64) != nil else { return "" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    package var text: String { "\(address)/\(length)" }

    /// Whether nothing is set behind the network.
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

    /// Whether an address is in this one's network.
    package func contains(_ other: IPPrefix) -> Bool {
        bytes.count == other.bytes.count
            && IPPrefix(bytes: other.bytes, length: length).network.bytes == network.bytes
    }
}
