/// All texts about transport errors.
extension TransportError {
    private var target: String {
        endpoint.isEmpty || endpoint == host ? host : "\(host) (\(endpoint))"
    }

    /// One sentence: what failed, on what, why.
    package var message: String {
        switch kind {
        case .unresolvable(let reason): "\(target): its name cannot be resolved: \(reason)"
        case .refused: "\(target): connection refused"
        case .unreachable(let reason): "\(target): cannot connect: \(reason)"
        case .timedOut(let phase, let seconds):
            "\(target): no answer within \(Self.text(seconds)) while \(phase.text)"
        case .bannerRefused(let text):
            "\(target): the server closed the connection before its greeting"
                + (text.isEmpty ? "" : ", saying \"\(text)\"")
        case .notSSH(let text): "\(target): this is not an SSH server; it sent \"\(text)\""
        case .noCommonAlgorithm(let kind, let offered, let ours):
            "\(target): no common \(kind.rawValue) algorithm; the server offers "
                + "\(Self.list(offered)), libssh2 has \(Self.list(ours))"
        case .hostKeyUnknown(let key, let others):
            "\(target): its host key is not known: \(key)"
                + (others.isEmpty ? "" : " (known by \(Self.list(others)))")
        case .hostKeyChanged(let old, let new, let place):
            "\(target): its host key has CHANGED: known is \(old) (\(place)), offered was \(new)"
        case .hostKeyRevoked(let key, let place):
            "\(target): its host key is revoked: \(key) (\(place))"
        case .hostKeyUnverifiable(let reason):
            "\(target): its host key cannot be verified: \(reason)"
        case .authenticationFailed(let user, let tried, let accepted):
            "\(target): login as \(user) refused"
                + (tried.isEmpty ? ": no key to offer" : "; tried \(tried.joined(separator: "; "))")
                + (accepted.isEmpty ? "" : "; the server accepts \(Self.list(accepted))")
        case .encryptedKeyNoPassphrase(let file):
            "\(target): the key \(file) is encrypted and no passphrase was given"
        case .unusableKey(let file, let reason):
            "\(target): the key \(file) cannot be used: \(reason)"
        case .connectionLost(let phase, let reason):
            "\(target): connection lost while \(phase.text)" + (reason.isEmpty ? "" : ": \(reason)")
        case .executeRefused(let command): "\(target): the server refused to run \(command)"
        case .jumpRefused(let destination, let reason):
            "\(target): the jump host does not connect to \(destination): \(reason)"
        case .unsupported(let option): "\(target): libssh2 cannot honour \(option)"
        case .badConfiguration(let text): "\(target): \(text)"
        case .fileDescriptors: "\(target): no file descriptor is left for a connection"
        case .system(let text): "\(target): \(text)"
        case .openssh(let status, let text):
            "\(target): ssh ended with status \(status)" + (text.isEmpty ? "" : ": \(text)")
        case .cancelled: "\(target): cancelled"
        case .closed: "\(target): the connection is closed"
        }
    }

    /// What to do about it; nil if the message says everything.
    package var hint: String? {
        switch kind {
        case .unresolvable: "give its address as ansible_host, or add the name to DNS or /etc/hosts"
        case .refused: "is sshd running there, and is the port right (ansible_port)?"
        case .unreachable: "check routes and firewalls between here and the host"
        case .timedOut(.resolve, _): "check the name servers in /etc/resolv.conf"
        case .timedOut(.connect, _): "is the host up, and does a firewall drop the port?"
        case .timedOut(.run, _):
            "the command may still be running there; raise the deadline if it needs longer"
        case .timedOut(.banner, _):
            "something accepts connections there but does not speak; is sshd overloaded?"
        case .timedOut: "the host accepts connections but hangs; look at its load and its sshd"
        case .bannerRefused:
            "sshd may be at its limit of new connections (MaxStartups): use fewer --forks; "
                + "or it refuses this address (/etc/hosts.deny, PerSourcePenalties)"
        case .notSSH: "check the port (ansible_port)"
        case .noCommonAlgorithm:
            "set transport: openssh for this host, or allow one of libssh2's in its sshd_config"
        case .hostKeyUnknown(_, let others) where !others.isEmpty:
            "compare it on the host's console, then pin it with `muster ping --accept-new`; or set "
                + "transport: openssh, which can verify the known key"
        case .hostKeyUnknown:
            "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the host's console, "
                + "then pin it with `muster ping --accept-new`"
        case .hostKeyChanged(_, _, let place):
            "either the host was reinstalled, or someone is in between; once you have compared the "
                + "fingerprint on its console, remove \(place) and pin the new key with "
                + "`muster ping --accept-new`"
        case .hostKeyRevoked: "the key was marked as compromised; give the host a new one"
        case .hostKeyUnverifiable: "set transport: openssh for this host"
        case .authenticationFailed(_, let tried, let accepted):
            Self.authenticationHint(tried, accepted)
        case .encryptedKeyNoPassphrase(let file):
            "add it to the agent with `ssh-add \(file)`, or run muster on a terminal to be asked"
        case .unusableKey(let file, _): "check it with `ssh-keygen -yf \(file)`"
        case .connectionLost(.run, _):
            "what ran there may or may not have finished; run again to see where it stands"
        case .connectionLost: "look at the host's sshd log (journalctl -u ssh)"
        case .executeRefused: "a ForceCommand or a restricted key may forbid it"
        case .jumpRefused:
            "can the jump host reach it, and does its sshd_config allow AllowTcpForwarding?"
        case .unsupported: "set transport: openssh for this host, or remove the setting"
        case .badConfiguration: nil
        case .fileDescriptors: "raise the limit (ulimit -n) or use fewer --forks"
        case .system: nil
        case .openssh: "try the same with `ssh -v`"
        case .cancelled, .closed: nil
        }
    }

    private static func authenticationHint(_ tried: [String], _ accepted: [String]) -> String {
        if !accepted.isEmpty, !accepted.contains("publickey") {
            return "muster logs in with keys; allow PubkeyAuthentication on the host"
        }
        if tried.contains(where: { $0.contains("ssh-rsa") }) {
            return "libssh2 can sign with RSA keys only by SHA-1, which sshd 8.8 and later refuse: "
                + "use an ed25519 key, or set transport: openssh"
        }
        if tried.isEmpty {
            return "give a key as ansible_ssh_private_key_file or IdentityFile, or start ssh-agent"
        }
        if tried.count > 5 {
            return "sshd gives up after a few keys (MaxAuthTries): name the right one with "
                + "IdentityFile and IdentitiesOnly yes"
        }
        return "is the public key in that user's authorized_keys on the host, and readable by sshd?"
    }

    private static func text(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
