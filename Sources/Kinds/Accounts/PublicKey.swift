import Wire

/// A public key in OpenSSH's format: a type, base64, and an optional comment.
package struct PublicKey: Sendable, Hashable {
    /// The key type: `ssh-ed25519`.
    package let type: String
    /// The key blob in base64; the blob begins with the key type.
    package let base64: String
    package let comment: String?

    private static let types: Set<String> = [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-dss",
    ]

    /// Whether the word is a key type, and not the options that may precede one.
    package static func isType(_ word: some StringProtocol) -> Bool { types.contains(String(word)) }

    /// Reads `TYPE BASE64 [COMMENT]`; throws a fault that says what is wrong.
    package init(_ text: String) throws(ValueFault) {
        let words = text.split(
            maxSplits: 2, omittingEmptySubsequences: true,
            whereSeparator: { $0 == " " || $0 == "\t" })
        guard !text.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
            throw ValueFault("a key must be one line")
        }
        guard words.count >= 2 else {
            throw ValueFault(
                "a key needs its type and its base64",
                hint: "copy the whole line of id_ed25519.pub")
        }
        guard Self.isType(words[0]) else {
            throw ValueFault(
                "\"\(words[0].prefix(40))\" is not a key type",
                hint: "write ssh-ed25519 AAAA…; options belong in the attribute options")
        }
        type = String(words[0])
        base64 = String(words[1])
        let rest = words.count > 2 ? words[2].drop { $0 == " " || $0 == "\t" } : ""
        comment = rest.isEmpty ? nil : String(rest)
        guard let blob = Base64.decode(canonical: base64), Self.typeInside(blob) == type else {
            throw ValueFault(
                "the base64 is not a \(type) key", hint: "the key may be cut short: copy it again")
        }
    }

    /// The fingerprint that `ssh-keygen -l` shows: `SHA256:` and the digest of the key in base64.
    package var fingerprint: String {
        let digest = Digest(of: Base64.decode(canonical: base64) ?? [])
        return "SHA256:" + Base64.encode(digest.bytes, padded: false)
    }

    /// The algorithm named by the first length-prefixed string of the blob (RFC 4253, 6.6).
    private static func typeInside(_ bytes: [UInt8]) -> String? {
        guard bytes.count > 8 else { return nil }
        let length = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length < bytes.count - 4 else { return nil }
        return String(decoding: bytes[4..<4 + length], as: UTF8.self)
    }
}
