import Linux

/// Collects the keys to offer to a host, in OpenSSH's order: keys of the agent that are among the
/// named files, other keys of the agent, then keys that only files have.
@TransportLoop
struct IdentityFinder {
    let ring: KeyRing
    let agents: Agents
    let defaultFiles: [String]
    /// The time limit for the agent to sign, in seconds; its owner may have to consent.
    let agentSeconds: Double

    struct Found {
        var identities: [Identity] = []
        /// Keys that cannot be offered, with the reason.
        var skipped: [String] = []
        /// Whether OpenSSH could offer a key that libssh2 cannot: certificates, security keys, RSA
        /// with SHA-2, formats we do not read.
        var hasMoreForOpenSSH = false
        var notices: [String] = []
    }

    /// The key types whose signatures libssh2 encodes correctly.
    private static let plainTypes: Set<String> = [
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "ssh-rsa",
    ]

    func find(for target: SSHTarget, until deadline: Deadline) async -> Found {
        var result = Found()
        var agentKeys: [AgentClient.Key] = []
        let agent = agents.agent(for: target)
        if let agent {
            switch await agent.keys(until: deadline) {
            case .success(let keys): agentKeys = keys
            case .failure(let failure):
                result.notices.append("ssh-agent at \(agent.path) does not answer: \(failure)")
            }
        }
        let named = !target.identityFiles.isEmpty
        var files: [(path: String, key: KeyRing.Found)] = []
        for path in named ? target.identityFiles : defaultFiles {
            let key = await ring.find(path)
            switch key {
            case .missing:
                if named { result.skipped.append("\(path): there is no such file") }
            case .unreadable(let reason):
                result.skipped.append("\(path): \(reason)")
                result.hasMoreForOpenSSH = true
            case .publicOnly(let blob):
                files.append((path, key))
                if !agentKeys.contains(where: { $0.blob == blob }) {
                    result.skipped.append(
                        "\(path): only the public key is here, and no agent has the private key")
                }
            case .key: files.append((path, key))
            }
        }

        var offered: Set<[UInt8]> = []
        func offer(_ identity: Identity) {
            guard offered.insert(identity.blob).inserted else { return }
            guard Self.plainTypes.contains(identity.type) else {
                result.skipped.append("\(identity.name): libssh2 cannot use \(identity.type)")
                result.hasMoreForOpenSSH = true
                return
            }
            if identity.type == "ssh-rsa" { result.hasMoreForOpenSSH = true }
            result.identities.append(identity)
        }
        func blob(of file: (path: String, key: KeyRing.Found)) -> [UInt8]? {
            switch file.key {
            case .key(_, let blob): blob
            case .publicOnly(let blob): blob
            case .missing, .unreadable: nil
            }
        }
        if let agent {
            func identity(_ key: AgentClient.Key) -> Identity {
                Identity(
                    blob: key.blob, name: key.comment.isEmpty ? "a key of the agent" : key.comment,
                    signer: AgentSigner(agent: agent, blob: key.blob, seconds: agentSeconds))
            }
            for file in files {
                if let key = agentKeys.first(where: { $0.blob == blob(of: file) }) {
                    offer(identity(key))
                }
            }
            if !target.identitiesOnly { for key in agentKeys { offer(identity(key)) } }
        }
        for file in files {
            guard case .key(let content, let blob) = file.key else { continue }
            let signer = FileSigner(ring: ring, path: file.path, file: content)
            if let blob {
                offer(Identity(blob: blob, name: file.path, signer: signer))
                continue
            }
            // The type of this key is not known before it is decrypted.
            switch await ring.unlock(file.path, content) {
            case .key(let key):
                offer(Identity(blob: key.publicBlob, name: file.path, signer: signer))
            case .noPassphrase:
                result.skipped.append("\(file.path): it is encrypted and no passphrase was given")
            case .unusable(let reason): result.skipped.append("\(file.path): \(reason)")
            }
        }
        // libssh2 1.10 signs with RSA only by SHA-1, which most servers refuse, so these keys come
        // last.
        result.identities =
            result.identities.filter { $0.type != "ssh-rsa" }
            + result.identities.filter { $0.type == "ssh-rsa" }
        return result
    }
}

/// Signs with a key file, and decrypts it when the first server asks for a signature.
private struct FileSigner: Signer {
    let ring: KeyRing
    let path: String
    let file: KeyFile
    var waitsForPerson: Bool { ring.unlocking.contains(path) }

    func sign(_ data: [UInt8], algorithm: String) async -> Result<[UInt8], SignFailure> {
        switch await ring.unlock(path, file) {
        case .key(let key):
            guard let signature = key.sign(data, algorithm: algorithm) else {
                return .failure(SignFailure(reason: "signing by \(algorithm) failed"))
            }
            return .success(signature)
        case .noPassphrase:
            return .failure(SignFailure(reason: "no passphrase", lockedFile: path))
        case .unusable(let reason): return .failure(SignFailure(reason: reason))
        }
    }
}

/// Signs through the agent.
private struct AgentSigner: Signer {
    let agent: AgentClient
    let blob: [UInt8]
    let seconds: Double
    var waitsForPerson: Bool { true }

    func sign(_ data: [UInt8], algorithm: String) async -> Result<[UInt8], SignFailure> {
        do throws(AgentClient.Failure) {
            return .success(
                try await agent.sign(
                    data, with: blob, algorithm: algorithm, until: Deadline(in: seconds)))
        } catch {
            let reason =
                switch error {
                case .refused: "the agent refused to sign"
                case .unreachable(let text): "the agent cannot be reached: \(text)"
                case .malformed: "the agent's answer is malformed"
                case .timedOut: "the agent did not answer"
                case .cancelled: "cancelled"
                }
            return .failure(SignFailure(reason: reason))
        }
    }
}
