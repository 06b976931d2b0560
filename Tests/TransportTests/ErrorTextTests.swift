import Testing

@testable import Transport

/// Every error says what was attempted, on what, why it failed and, where there is a way, what to do.
@Suite struct ErrorTextTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let kind: TransportError.Kind
        let message: String
        var hint: String?
        var isUnreachable = true
        var testDescription: String { message }
    }

    private static let key = TransportError.KeyName(type: "ssh-ed25519", fingerprint: "SHA256:abc")
    private static let old = TransportError.KeyName(type: "ssh-ed25519", fingerprint: "SHA256:old")

    static let cases: [Case] = [
        Case(
            kind: .unresolvable(reason: "Name or service not known"),
            message: "its name cannot be resolved: Name or service not known", hint: "ansible_host"),
        Case(kind: .refused, message: "connection refused", hint: "is sshd running"),
        Case(
            kind: .unreachable(reason: "No route to host"),
            message: "cannot connect: No route to host", hint: "firewalls"),
        Case(
            kind: .timedOut(.resolve, seconds: 10),
            message: "no answer within 10 s while looking up its name", hint: "resolv.conf"),
        Case(
            kind: .timedOut(.connect, seconds: 2.5),
            message: "no answer within 2.5 s while connecting", hint: "is the host up"),
        Case(
            kind: .timedOut(.banner, seconds: 10),
            message: "no answer within 10 s while waiting for the server's greeting",
            hint: "does not speak"),
        Case(
            kind: .timedOut(.keyExchange, seconds: 10),
            message: "no answer within 10 s while exchanging keys", hint: "hangs"),
        Case(
            kind: .timedOut(.run, seconds: 600),
            message: "no answer within 600 s while the command was running",
            hint: "may still be running"),
        Case(
            kind: .bannerRefused(text: "Exceeded MaxStartups"),
            message:
                "the server closed the connection before its greeting, saying \"Exceeded MaxStartups\"",
            hint: "fewer --forks"),
        Case(
            kind: .bannerRefused(text: ""),
            message: "the server closed the connection before its greeting", hint: "MaxStartups"),
        Case(
            kind: .notSSH(text: "HTTP/1.1 400"),
            message: "this is not an SSH server; it sent \"HTTP/1.1 400\"", hint: "ansible_port"),
        Case(
            kind: .noCommonAlgorithm(.cipher, offered: ["a", "b"], ours: ["c"]),
            message: "no common cipher algorithm; the server offers a, b, libssh2 has c",
            hint: "transport: openssh"),
        Case(
            kind: .hostKeyUnknown(key, otherTypesKnown: []),
            message: "its host key is not known: ssh-ed25519 SHA256:abc", hint: "--accept-new"),
        Case(
            kind: .hostKeyUnknown(key, otherTypesKnown: ["ssh-rsa"]),
            message: "its host key is not known: ssh-ed25519 SHA256:abc (known by ssh-rsa)",
            hint: "transport: openssh"),
        Case(
            kind: .hostKeyChanged(old: old, new: key, place: "/kh:3"),
            message:
                "its host key has CHANGED: known is ssh-ed25519 SHA256:old (/kh:3), offered was "
                + "ssh-ed25519 SHA256:abc", hint: "remove /kh:3"),
        Case(
            kind: .hostKeyRevoked(key, place: "/kh:1"),
            message: "its host key is revoked: ssh-ed25519 SHA256:abc (/kh:1)", hint: "new one"),
        Case(
            kind: .hostKeyUnverifiable(reason: "a certificate"),
            message: "its host key cannot be verified: a certificate", hint: "transport: openssh"),
        Case(
            kind: .authenticationFailed(user: "ops", tried: [], accepted: ["publickey"]),
            message: "login as ops refused: no key to offer; the server accepts publickey",
            hint: "ssh-agent"),
        Case(
            kind: .authenticationFailed(
                user: "ops", tried: ["/k (ssh-ed25519): refused"], accepted: ["publickey"]),
            message:
                "login as ops refused; tried /k (ssh-ed25519): refused; the server accepts publickey",
            hint: "authorized_keys"),
        Case(
            kind: .authenticationFailed(
                user: "ops", tried: ["/k (ssh-rsa): refused"], accepted: ["publickey"]),
            message:
                "login as ops refused; tried /k (ssh-rsa): refused; the server accepts publickey",
            hint: "ed25519"),
        Case(
            kind: .authenticationFailed(
                user: "ops", tried: ["/k: refused"], accepted: ["password"]),
            message: "login as ops refused; tried /k: refused; the server accepts password",
            hint: "PubkeyAuthentication"),
        Case(
            kind: .encryptedKeyNoPassphrase(file: "/k"),
            message: "the key /k is encrypted and no passphrase was given", hint: "ssh-add /k"),
        Case(
            kind: .unusableKey(file: "/k", reason: "it is damaged"),
            message: "the key /k cannot be used: it is damaged", hint: "ssh-keygen -yf /k"),
        Case(
            kind: .connectionLost(.run, reason: "Connection reset by peer"),
            message: "connection lost while the command was running: Connection reset by peer",
            hint: "run again"),
        Case(
            kind: .connectionLost(.authentication, reason: ""),
            message: "connection lost while authenticating", hint: "journalctl -u ssh"),
        Case(
            kind: .executeRefused(command: "true"), message: "the server refused to run true",
            hint: "ForceCommand"),
        Case(
            kind: .jumpRefused(destination: "db:22", reason: "connect failed"),
            message: "the jump host does not connect to db:22: connect failed",
            hint: "AllowTcpForwarding"),
        Case(
            kind: .unsupported(option: "ProxyCommand (~/.ssh/config:3)"),
            message: "libssh2 cannot honour ProxyCommand (~/.ssh/config:3)",
            hint: "transport: openssh", isUnreachable: false),
        Case(
            kind: .badConfiguration("ssh refuses its configuration"),
            message: "ssh refuses its configuration", isUnreachable: false),
        Case(
            kind: .fileDescriptors, message: "no file descriptor is left for a connection",
            hint: "ulimit -n", isUnreachable: false),
        Case(kind: .system("out of memory"), message: "out of memory", isUnreachable: false),
        Case(
            kind: .openssh(status: 255, text: "what ssh said"),
            message: "ssh ended with status 255: what ssh said", hint: "ssh -v"),
        Case(kind: .cancelled, message: "cancelled", isUnreachable: false),
        Case(kind: .closed, message: "the connection is closed", isUnreachable: false),
    ]

    @Test(arguments: cases) func `the text says what, why and what to do`(_ case: Case) {
        let error = TransportError(`case`.kind, host: "md1", endpoint: "10.0.0.1:22")
        #expect(error.message == "md1 (10.0.0.1:22): \(`case`.message)")
        #expect(error.isUnreachable == `case`.isUnreachable)
        if let part = `case`.hint {
            #expect(error.hint?.contains(part) == true, "\(error.hint ?? "no hint")")
            #expect(error.description == "\(error.message)\n  \(error.hint ?? "")")
        } else {
            #expect(error.hint == nil)
        }
    }

    // MARK: The system's ssh

    struct Said: Sendable, CustomTestStringConvertible {
        let text: String
        let kind: TransportError.Kind
        var testDescription: String { text }
    }

    @Test(arguments: [
        Said(
            text: "ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n", kind: .refused),
        Said(
            text: "ssh: connect to host 10.0.0.1 port 22: No route to host\r\n",
            kind: .unreachable(reason: "No route to host")),
        Said(
            text: "ssh: connect to host 10.0.0.1 port 22: Connection timed out\r\n",
            kind: .timedOut(.connect, seconds: 10)),
        Said(
            text: "Connection timed out during banner exchange\r\n",
            kind: .timedOut(.banner, seconds: 10)),
        Said(
            text: "ssh: Could not resolve hostname md1: Name or service not known\r\n",
            kind: .unresolvable(reason: "Name or service not known")),
        Said(
            text: "ops@10.0.0.1: Permission denied (publickey,gssapi-with-mic).\r\n",
            kind: .authenticationFailed(
                user: "ops", tried: ["/k: refused"], accepted: ["publickey", "gssapi-with-mic"])),
        Said(
            text: "Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. "
                + "Their offer: aes128-cbc,3des-cbc\r\n",
            kind: .noCommonAlgorithm(
                .cipher, offered: ["aes128-cbc", "3des-cbc"], ours: ["none of these in ssh"])),
        Said(
            text: "No ED25519 host key is known for 10.0.0.1 and you have requested strict "
                + "checking.\r\nHost key verification failed.\r\n",
            kind: .hostKeyUnknown(.init(type: "ED25519", fingerprint: ""), otherTypesKnown: [])),
        Said(
            text: "kex_exchange_identification: Connection closed by remote host\r\n",
            kind: .bannerRefused(
                text: "kex_exchange_identification: Connection closed by remote host")),
        Said(
            text: "/root/.ssh/config: line 1: Bad configuration option: nonsense\r\n",
            kind: .badConfiguration(
                "ssh refuses its configuration: "
                    + "/root/.ssh/config: line 1: Bad configuration option: nonsense")),
        Said(text: "something new\r\n", kind: .openssh(status: 255, text: "something new")),
    ])
    func `what the system's ssh says is understood`(_ said: Said) {
        let target = SSHTarget(name: "md1", address: "10.0.0.1", user: "ops", identityFiles: ["/k"])
        #expect(
            OpenSSHError.kind(status: 255, text: said.text, target: target, user: "ops")
                == said.kind)
    }

    @Test func `status 255 is the command's own unless ssh says otherwise`() {
        #expect(OpenSSHError.lostConnection(status: 255, text: "my own failure\n") == nil)
        #expect(
            OpenSSHError.lostConnection(status: 1, text: "Connection to x closed by remote host")
                == nil)
        #expect(
            OpenSSHError.lostConnection(
                status: 255, text: "noise\nclient_loop: send disconnect: Broken pipe\r\n")
                == "client_loop: send disconnect: Broken pipe")
    }
}
