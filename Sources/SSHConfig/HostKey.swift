import Wire

/// A public host key.
package struct HostKey: Sendable, Hashable {
    /// The type named in the key: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`.
    package let type: String
    /// The key in its wire format (RFC 4253, 6.6).
    package let blob: [UInt8]

    /// Reads a key in its wire format; nil if that does not begin with the name of a type.
    package init?(blob: [UInt8]) {
        guard blob.count > 4 else { return nil }
        let length = blob[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= blob.count - 4, length < 100 else { return nil }
        type = String(decoding: blob[4..<(4 + length)], as: UTF8.self)
        self.blob = blob
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    package var fingerprint: String {
        "SHA256:" + Base64.encode(Digest(of: blob).bytes, padded: false)
    }

    /// Such as `ssh-ed25519 AAAA…`.
    package var text: String { "\(type) \(Base64.encode(blob))" }
}
