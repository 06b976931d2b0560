import CKeys
import SSHConfig
import Wire

/// The content of a private key file: OpenSSH's own format, or PEM.
struct KeyFile: Sendable {
    enum Fault: Error, Sendable, Equatable {
        case wrongPassphrase
        case unusable(String)
    }

    private enum Format: Sendable {
        case openssh(OpenSSHKey)
        case pem([UInt8])
    }

    private let format: Format
    /// Whether a passphrase is needed.
    let isEncrypted: Bool
    /// The public part; nil if it is only known after decryption.
    let publicBlob: [UInt8]?

    /// Parses a file's content; decrypts nothing.
    init(_ content: [UInt8]) throws(Fault) {
        let text = String(decoding: content, as: UTF8.self)
        let lines = text.split { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }.map(String.init)
        guard let first = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN ") }) else {
            throw .unusable("it is not a private key")
        }
        let header = lines[first]
        if header == "-----BEGIN OPENSSH PRIVATE KEY-----" {
            let body = lines[(first + 1)...].prefix { !$0.hasPrefix("-----END") }.joined()
            guard let bytes = Base64.decode(body), let key = OpenSSHKey(bytes) else {
                throw .unusable("it is damaged")
            }
            format = .openssh(key)
            isEncrypted = key.cipher != "none"
            publicBlob = key.publicBlob
            return
        }
        guard header.contains("PRIVATE KEY") else { throw .unusable("it is not a private key") }
        if header.contains("DSA PRIVATE") { throw .unusable("DSA keys are not supported") }
        format = .pem(content)
        isEncrypted =
            header.contains("ENCRYPTED")
            || lines.contains { $0.hasPrefix("Proc-Type:") && $0.contains("ENCRYPTED") }
        publicBlob = nil
    }

    /// Decrypts and returns the private key.
    ///
    /// With a passphrase this takes about 100 ms by design, so it must not run on the loop.
    func unlock(passphrase: String?) throws(Fault) -> PrivateKey {
        switch format {
        case .openssh(let key): return try key.unlock(passphrase: passphrase)
        case .pem(let text):
            guard let raw = ckeys_pem(text, text.count, passphrase) else {
                throw isEncrypted ? .wrongPassphrase : .unusable("libcrypto cannot read it")
            }
            guard let key = PrivateKey(owning: raw) else {
                throw .unusable("SSH has no key type for it")
            }
            return key
        }
    }
}

/// OpenSSH's own key format (PROTOCOL.key of its sources).
struct OpenSSHKey: Sendable {
    private static let magic = Array("openssh-key-v1\0".utf8)

    let cipher: String
    let publicBlob: [UInt8]
    private let derivation: String
    private let derivationOptions: [UInt8]
    private let secret: [UInt8]
    private let tag: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic) else { return nil }
        var reader = SSHReader(bytes.dropFirst(Self.magic.count))
        guard let cipher = reader.text(), let derivation = reader.text(),
            let options = reader.string(), reader.uint32() == 1, let publicBlob = reader.string(),
            let secret = reader.string()
        else { return nil }
        self.cipher = cipher
        self.derivation = derivation
        derivationOptions = options
        self.publicBlob = publicBlob
        self.secret = secret
        tag = Array(reader.remaining)
    }

    /// The name in libcrypto, the key size, the IV size.
    private static let ciphers: [String: (String, Int, Int)] = [
        "aes128-ctr": ("AES-128-CTR", 16, 16), "aes192-ctr": ("AES-192-CTR", 24, 16),
        "aes256-ctr": ("AES-256-CTR", 32, 16), "aes128-cbc": ("AES-128-CBC", 16, 16),
        "aes192-cbc": ("AES-192-CBC", 24, 16), "aes256-cbc": ("AES-256-CBC", 32, 16),
        "aes128-gcm@openssh.com": ("AES-128-GCM", 16, 12),
        "aes256-gcm@openssh.com": ("AES-256-GCM", 32, 12),
    ]

    func unlock(passphrase: String?) throws(KeyFile.Fault) -> PrivateKey {
        var plain = secret
        defer { ckeys_wipe(&plain, plain.count) }
        if cipher != "none" { try decrypt(&plain, passphrase ?? "") }
        var reader = SSHReader(plain)
        // Two equal numbers show that the passphrase is correct.
        guard let one = reader.uint32(), let two = reader.uint32(), one == two else {
            throw cipher == "none" ? .unusable("it is damaged") : .wrongPassphrase
        }
        guard let type = reader.text() else { throw .unusable("it is damaged") }
        guard let raw = try key(type, &reader), let key = PrivateKey(owning: raw) else {
            throw .unusable("it is damaged")
        }
        return key
    }

    private func key(
        _ type: String, _ reader: inout SSHReader
    ) throws(KeyFile.Fault) -> OpaquePointer? {
        switch type {
        case "ssh-ed25519":
            guard reader.string() != nil, let pair = reader.string(), pair.count == 64 else {
                return nil
            }
            return ckeys_ed25519(pair, 32)
        case "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521":
            guard let curve = reader.text(), let point = reader.string(),
                let scalar = reader.string()
            else { return nil }
            let names = [
                "nistp256": "prime256v1", "nistp384": "secp384r1", "nistp521": "secp521r1",
            ]
            return names[curve].flatMap {
                ckeys_ecdsa($0, point, point.count, scalar, scalar.count)
            }
        case "ssh-rsa":
            guard let n = reader.string(), let e = reader.string(), let d = reader.string() else {
                return nil
            }
            return ckeys_rsa(n, n.count, e, e.count, d, d.count)
        default:
            throw .unusable("libssh2 cannot use keys of type \(type)")
        }
    }

    private func decrypt(_ bytes: inout [UInt8], _ passphrase: String) throws(KeyFile.Fault) {
        guard let (name, keySize, ivSize) = Self.ciphers[cipher], derivation == "bcrypt" else {
            throw .unusable("its encryption, \(cipher) with \(derivation), is not supported")
        }
        var options = SSHReader(derivationOptions)
        guard let salt = options.string(), let rounds = options.uint32() else {
            throw .unusable("it is damaged")
        }
        var material = [UInt8](repeating: 0, count: keySize + ivSize)
        defer { ckeys_wipe(&material, material.count) }
        let phrase = Array(passphrase.utf8)
        guard
            ckeys_bcrypt_pbkdf(
                phrase, phrase.count, salt, salt.count, rounds, &material, material.count) == 0
        else { throw .wrongPassphrase }
        let isAuthenticated = ivSize == 12
        if isAuthenticated, tag.count != 16 { throw .unusable("it is damaged") }
        let iv = Array(material[keySize...])
        let result = ckeys_decrypt(
            name, material, iv, isAuthenticated ? tag : nil, &bytes, bytes.count)
        if result != 0 { throw isAuthenticated ? .wrongPassphrase : .unusable("it is damaged") }
    }
}
