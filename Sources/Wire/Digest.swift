import CSodium

/// A SHA-256 digest (FIPS 180-4): the name of a blob, a plan, a file's content.
package struct Digest: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The 32 bytes.
    package let bytes: [UInt8]

    /// The digest of bytes in memory.
    package init(of content: some Collection<UInt8>) {
        var hasher = Hasher()
        hasher.update(Array(content))
        self = hasher.finish()
    }

    /// 32 raw bytes, or nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    /// 64 lower-case hexadecimal digits.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = Self.value(of: digits[index]),
                let low = Self.value(of: digits[index + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// The 64 hexadecimal digits.
    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The first eight digits, for people.
    package var short: String { String(description.prefix(8)) }

    package static func < (left: Digest, right: Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        default: nil
        }
    }

    /// Digests content that arrives in pieces.
    package struct Hasher {
        private var state = crypto_hash_sha256_state()

        package init() { crypto_hash_sha256_init(&state) }

        /// Takes in the next piece.
        package mutating func update(_ piece: [UInt8]) {
            crypto_hash_sha256_update(&state, piece, UInt64(piece.count))
        }

        /// The digest of all pieces; the hasher must not be used afterwards.
        package mutating func finish() -> Digest {
            var bytes = [UInt8](repeating: 0, count: 32)
            crypto_hash_sha256_final(&state, &bytes)
            return Digest(verified: bytes)
        }
    }

    private init(verified bytes: [UInt8]) { self.bytes = bytes }
}
