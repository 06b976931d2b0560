import CKeys

/// A private key in memory, and its public part in wire format.
///
/// Unchecked: libcrypto's key is never changed after its creation, and signing only reads it.
final class PrivateKey: @unchecked Sendable {
    /// Such as `ssh-ed25519`, `ecdsa-sha2-nistp…`, `ssh-rsa`.
    let type: String
    let publicBlob: [UInt8]
    private let key: OpaquePointer

    /// Takes ownership of a libcrypto key; nil for a kind without a name in SSH here.
    init?(owning key: OpaquePointer) {
        var first = [UInt8](repeating: 0, count: 1024)
        var second = [UInt8](repeating: 0, count: 2048)
        var firstLength = first.count
        var secondLength = second.count
        guard let name = ckeys_public(key, &first, &firstLength, &second, &secondLength) else {
            ckeys_free(key)
            return nil
        }
        type = String(cString: name)
        var writer = SSHWriter()
        writer.string(type)
        switch type {
        case "ssh-ed25519": writer.string(first[..<firstLength])
        case "ssh-rsa":
            writer.mpint(first[..<firstLength])
            writer.mpint(second[..<secondLength])
        default:
            writer.string(String(type.drop { $0 != "n" }))
            writer.string(first[..<firstLength])
        }
        publicBlob = writer.bytes
        self.key = key
    }

    deinit { ckeys_free(key) }

    /// A signature with the named algorithm, without the algorithm's name; nil if the key cannot
    /// make one.
    func sign(_ data: [UInt8], algorithm: String) -> [UInt8]? {
        let digest: String? =
            switch algorithm {
            case "ssh-ed25519": nil
            case "ssh-rsa": "SHA1"
            case "rsa-sha2-256", "ecdsa-sha2-nistp256": "SHA256"
            case "ecdsa-sha2-nistp384": "SHA384"
            default: "SHA512"
            }
        var signature = [UInt8](repeating: 0, count: 1024)
        let length = ckeys_sign(key, digest, data, data.count, &signature, signature.count)
        guard length > 0 else { return nil }
        signature.removeLast(signature.count - length)
        guard type.hasPrefix("ecdsa-") else { return signature }
        // RFC 5656, 3.1.2: two mpints.
        var writer = SSHWriter()
        writer.mpint(signature[..<(length / 2)])
        writer.mpint(signature[(length / 2)...])
        return writer.bytes
    }
}
