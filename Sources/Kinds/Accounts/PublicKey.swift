import Wire

/// A public key as OpenSSH writes it: a type, base64, and perhaps a comment.
package struct PublicKey: Sendable, Hashable {
    /// `ssh-ed25519`.
    package let type: String
    /// The key in base64; it begins with its type.
    package let base64: String
    package let comment: String?

    private static let types: Set<String> = [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-dss",
    ]

    /// Whether the word is the type of a key, and so not the options before one.
    package static func isType(_ word: some StringProtocol) -> Bool { types.contains(String(word)) }

    /// Reads `TYPE BASE64 [COMMENT]`; throws what is wrong with it in words.
    package init(_ text: String) throws(ValueFault) {
        let words = text.split(
            maxSplits: 2, omittingEmptySubsequences: true,
            whereSeparator: { $0 == " " || $0 == "\t" })
        guard !text.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
            throw ValueFault("a key is one line")
        }
        guard words.count >= 2 else {
            throw ValueFault(
                "a key is its type and its base64", hint: "the line of id_ed25519.pub as it is")
        }
        guard Self.isType(words[0]) else {
            throw ValueFault(
                "\"\(words[0].prefix(40))\" is not a type of key",
                hint: "ssh-ed25519 AAAA…; options have an attribute of their own")
        }
        type = String(words[0])
        base64 = String(words[1])
        let rest = words.count > 2 ? words[2].drop { $0 == " " || $0 == "\t" } : ""
        comment = rest.isEmpty ? nil : String(rest)
        guard let blob = Self.decoded(base64), Self.typeInside(blob) == type else {
            throw ValueFault(
                "the base64 of the key is not that of a \(type) key", hint: "it may be cut short")
        }
    }

    /// As `ssh-keygen -l` shows it: `SHA256:…`, the base64 of the digest of the key.
    package var fingerprint: String {
        let digest = Digest(of: Self.decoded(base64) ?? [])
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        // 32 bytes are 256 bits: 42 digits, and one of the last four with two zero bits.
        for byte in digest.bytes + [0] where text.count < 43 {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6, text.count < 43 {
                count -= 6
                text.append(digits[Int(bits >> count & 63)])
            }
        }
        return "SHA256:" + String(decoding: text, as: UTF8.self)
    }

    /// The algorithm named by the first length-prefixed string of the blob (RFC 4253, 6.6).
    private static func typeInside(_ bytes: [UInt8]) -> String? {
        guard bytes.count > 8 else { return nil }
        let length = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length < bytes.count - 4 else { return nil }
        return String(decoding: bytes[4..<4 + length], as: UTF8.self)
    }

    private static func decoded(_ base64: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        let digits = base64.utf8.prefix { $0 != 61 }
        guard base64.utf8.count % 4 == 0, base64.utf8.count - digits.count <= 2 else { return nil }
        guard base64.utf8.dropFirst(digits.count).allSatisfy({ $0 == 61 }) else { return nil }
        for byte in digits {
            guard let value = value(of: byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case 65...90: UInt32(digit - 65)
        case 97...122: UInt32(digit - 71)
        case 48...57: UInt32(digit) + 4
        case 43: 62
        case 47: 63
        default: nil
        }
    }
}
