import CSSH2

/// The algorithms that we accept and the loaded libssh2 supports, best first.
///
/// Algorithms that OpenSSH's client disables by default are disabled here too, except RSA host keys
/// signed by SHA-1: nobody can find a collision during a handshake, and older hosts offer nothing
/// else that libssh2 1.10 supports.
@TransportLoop
struct OurAlgorithms: Sendable {
    let keyExchange: [String]
    let hostKey: [String]
    let cipher: [String]
    let mac: [String]

    private static let wanted = (
        keyExchange: [
            "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
            "diffie-hellman-group14-sha256",
        ],
        hostKey: [
            "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
            "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa",
        ],
        cipher: [
            "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
            "aes128-ctr", "aes192-ctr", "aes256-ctr",
        ],
        mac: [
            "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256",
            "hmac-sha2-512", "hmac-sha1",
        ]
    )

    /// Read from the library once.
    static let all: OurAlgorithms? = {
        guard LibSSH2.failure == nil, let session = cssh2_session_new(nil) else { return nil }
        defer { libssh2_session_free(session) }
        func names(_ kind: Int32, _ wanted: [String]) -> [String] {
            var list: UnsafeMutablePointer<UnsafePointer<CChar>?>?
            let count = libssh2_session_supported_algs(session, kind, &list)
            guard count > 0, let list else { return [] }
            defer { libssh2_free(session, list) }
            let supported = (0..<Int(count)).compactMap { list[$0].map { String(cString: $0) } }
            return wanted.filter { supported.contains($0) }
        }
        return OurAlgorithms(
            keyExchange: names(LIBSSH2_METHOD_KEX, wanted.keyExchange),
            hostKey: names(LIBSSH2_METHOD_HOSTKEY, wanted.hostKey),
            cipher: names(LIBSSH2_METHOD_CRYPT_CS, wanted.cipher),
            mac: names(LIBSSH2_METHOD_MAC_CS, wanted.mac))
    }()

    /// Host key algorithms, those of known keys first: a host with several keys then presents the
    /// known one; otherwise it would seem to have changed.
    func hostKey(knownTypes: [String]) -> [String] {
        let known = knownTypes.flatMap { type in
            type == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type]
        }.filter { hostKey.contains($0) }
        return known + hostKey.filter { !known.contains($0) }
    }
}
