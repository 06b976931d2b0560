/// Base64 (RFC 4648, section 4), used for keys and fingerprints.
package enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()

    /// Encodes bytes; padded with `=` unless `padded` is false.
    package static func encode(_ bytes: [UInt8], padded: Bool = true) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            word <<= UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                if place <= group.count {
                    text.append(digits[Int(word >> UInt32(18 - 6 * place) & 63)])
                } else if padded {
                    text.append(UInt8(ascii: "="))
                }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes a text, padded or not; nil if it has an invalid character.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 3 / 4)
        var word: UInt32 = 0
        var bits = 0
        var padding = 0
        for digit in text.utf8 {
            if digit == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = values[Int(digit)]
            if value == 255 || padding > 0 { return nil }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return padding <= 2 && bits < 6 ? bytes : nil
    }

    /// Decodes a text in canonical form (padded, unused bits zero); nil for any other text.
    package static func decode(canonical text: String) -> [UInt8]? {
        guard let bytes = decode(text), encode(bytes).utf8.elementsEqual(text.utf8) else {
            return nil
        }
        return bytes
    }
}
