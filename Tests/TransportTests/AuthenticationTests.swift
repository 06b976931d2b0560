import Linux
import Synchronization
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(3)))
struct AuthenticationTests {
    /// Allows a further key in.
    private func authorize(_ server: SSHServer, _ publicKey: String) throws {
        try server.directory.write(
            "authorized_keys",
            try server.directory.read("authorized_keys")
                + String(
                    decoding: try LocalMachine().read(publicKey, limit: 1 << 16), as: UTF8.self))
    }

    struct Key: Sendable, CustomTestStringConvertible {
        let type: String
        var arguments: [String] = []
        var passphrase = ""
        var testDescription: String { ([type] + arguments + [passphrase]).joined(separator: " ") }
    }

    @Test(arguments: [
        Key(type: "ed25519"), Key(type: "ecdsa", arguments: ["-b", "256"]),
        Key(type: "ecdsa", arguments: ["-b", "384"]), Key(type: "ecdsa", arguments: ["-b", "521"]),
        Key(type: "ecdsa", arguments: ["-m", "PEM"]),
        Key(type: "ecdsa", arguments: ["-m", "PKCS8"]),
        Key(type: "ed25519", passphrase: "open sesame"),
        Key(type: "ed25519", arguments: ["-Z", "aes256-gcm@openssh.com"], passphrase: "x"),
        Key(type: "ed25519", arguments: ["-Z", "aes128-cbc", "-a", "3"], passphrase: "ünï"),
        Key(type: "ecdsa", passphrase: "secret"),
        Key(type: "ecdsa", arguments: ["-m", "PEM"], passphrase: "secret"),
        Key(type: "ecdsa", arguments: ["-m", "PKCS8"], passphrase: "secret"),
    ])
    func `a key file logs in`(_ key: Key) async throws {
        let server = try SSHServer()
        let file = try SSHServer.makeKey(
            key.type, at: server.directory.path("other"), passphrase: key.passphrase,
            arguments: key.arguments)
        try authorize(server, file + ".pub")
        let asked = Mutex<[Int]>([])
        let client = SSHClient { _, attempt in
            asked.withLock { $0.append(attempt) }
            return attempt == 1 ? "wrong" : key.passphrase
        }
        let target = server.target().with { $0.identityFiles = [file] }
        try await expectLogin(target, client: client)
        try await expectLogin(target, client: client)
        #expect(asked.withLock { $0 } == (key.passphrase.isEmpty ? [] : [1, 2]))
    }

    @Test func `many hosts ask for one passphrase once`() async throws {
        let server = try SSHServer()
        let file = try SSHServer.makeKey(
            "ed25519", at: server.directory.path("locked"), passphrase: "secret")
        try authorize(server, file + ".pub")
        let asked = Mutex(0)
        let client = SSHClient { _, _ in
            asked.withLock { $0 += 1 }
            return "secret"
        }
        let target = server.target().with { $0.identityFiles = [file] }
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { try await expectLogin(target, client: client) } }
            try await group.waitForAll()
        }
        #expect(asked.withLock { $0 } == 1)
    }

    @Test func `a person who types slowly is not timed out`() async throws {
        let server = try SSHServer()
        let file = try SSHServer.makeKey(
            "ed25519", at: server.directory.path("locked"), passphrase: "secret")
        try authorize(server, file + ".pub")
        let client = SSHClient { _, _ in
            try? await Task.sleep(for: .seconds(17))
            return "secret"
        }
        let target = server.target().with {
            $0.identityFiles = [file]
            $0.connectTimeoutSeconds = 15
        }
        try await expectLogin(target, client: client)
    }

    @Test func `without a passphrase an encrypted key is named`() async throws {
        let server = try SSHServer()
        let file = try SSHServer.makeKey(
            "ed25519", at: server.directory.path("locked"), passphrase: "secret")
        try authorize(server, file + ".pub")
        let target = server.target().with { $0.identityFiles = [file] }
        #expect(await failure(target)?.kind == .encryptedKeyNoPassphrase(file: file))
        let wrong = SSHClient { _, _ in "wrong" }
        #expect(await failure(target, client: wrong)?.kind == .encryptedKeyNoPassphrase(file: file))
    }

    @Test func `a refusal names the keys tried and what the server accepts`() async throws {
        let server = try SSHServer()
        let stranger = try SSHServer.makeKey("ed25519", at: server.directory.path("stranger"))
        let target = server.target().with {
            $0.identityFiles = [stranger, "/nonexistent/key", server.directory.path("sshd_config")]
        }
        #expect(
            await failure(target)?.kind
                == .authenticationFailed(
                    user: "root",
                    tried: [
                        "/nonexistent/key: there is no such file",
                        "\(server.directory.path("sshd_config")): it is not a private key",
                        "\(stranger) (ssh-ed25519): refused",
                    ], accepted: ["publickey"]))
    }

    @Test func `a server that has enough of our keys says so`() async throws {
        let server = try SSHServer(["MaxAuthTries 3"])
        var files: [String] = []
        for number in 0..<5 {
            files.append(
                try SSHServer.makeKey("ed25519", at: server.directory.path("key\(number)")))
        }
        let error = await failure(server.target().with { $0.identityFiles = files })
        guard case .authenticationFailed(_, let tried, _) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(tried.last?.contains("Too many authentication failures") == true)
    }

    // MARK: ssh-agent

    @Test(arguments: ["ed25519", "ecdsa"])
    func `a key of the agent logs in`(_ type: String) async throws {
        let server = try SSHServer()
        let agent = try SSHAgent()
        let key = try SSHServer.makeKey(type, at: server.directory.path("held"))
        try authorize(server, key + ".pub")
        try agent.add(key)
        try LocalMachine().remove(key)
        let client = SSHClient(agentSocket: agent.socket)
        let target = server.target().with {
            $0.identityFiles = []
            $0.identitiesOnly = false
        }
        try await expectLogin(target, client: client)
        try await expectLogin(target.with { $0.way = .openssh }, client: client)
    }

    @Test(arguments: [SSHTarget.Way.libssh2, .openssh])
    func `a host's own agent is asked in place of the client's`(_ way: SSHTarget.Way) async throws {
        let server = try SSHServer()
        let agent = try SSHAgent()
        let empty = try SSHAgent()
        try agent.add(server.clientKey)
        let target = server.target(way: way).with {
            $0.identityFiles = [server.directory.path("client.pub")]
            $0.identitiesOnly = false
        }
        try LocalMachine().remove(server.clientKey)
        let client = SSHClient(agentSocket: empty.socket)
        try await expectLogin(target.with { $0.identityAgent = agent.socket }, client: client)
        let right = SSHClient(agentSocket: agent.socket)
        guard
            case .authenticationFailed = await failure(
                target.with { $0.identityAgent = "none" }, client: right)?.kind
        else {
            Issue.record("an agent was asked that was not to be")
            return
        }
    }

    @Test func `identitiesOnly offers of the agent's keys only those named`() async throws {
        let server = try SSHServer()
        let agent = try SSHAgent()
        let held = try SSHServer.makeKey("ed25519", at: server.directory.path("held"))
        let named = try SSHServer.makeKey(
            "ed25519", at: server.directory.path("named"), passphrase: "x")
        try authorize(server, held + ".pub")
        try agent.add(held)
        let client = SSHClient(agentSocket: agent.socket)
        let target = server.target().with { $0.identityFiles = [named] }
        guard
            case .authenticationFailed(_, let tried, _) = await failure(target, client: client)?
                .kind
        else {
            Issue.record("a key that was not named got in")
            return
        }
        #expect(tried.count == 1)
        // Named by its public part alone, the agent's key is the one.
        try await expectLogin(
            target.with { $0.identityFiles = [held + ".pub"] }, client: client)
        // Named, the agent's key is used in place of the file's.
        try await expectLogin(target.with { $0.identityFiles = [held] }, client: client)
    }

    @Test func `an agent that hangs is given up, and delays nobody else`() async throws {
        let server = try SSHServer()
        let agent = try SSHAgent()
        try agent.add(server.clientKey)
        let options = SSHClientOptions(agentSeconds: 1)
        let client = SSHClient(options: options, agentSocket: agent.socket)
        agent.freeze(true)
        defer { agent.freeze(false) }
        let target = server.target().with { $0.connectTimeoutSeconds = 5 }
        async let viaAgent = failure(target.with { $0.identitiesOnly = false }, client: client)
        try await expectLogin(server.target())
        // The list never came, so the file's own key is used in the end.
        let error = await viaAgent
        #expect(error == nil || error?.isUnreachable == true)
    }

    @Test func `an agent that is not there is said and the files are used`() async throws {
        let server = try SSHServer()
        let client = SSHClient(agentSocket: "/nonexistent/agent")
        let notices = try await expectLogin(server.target(), client: client)
        #expect(notices.first?.contains("/nonexistent/agent") == true)
    }

    // MARK: What libssh2 cannot

    @Test func `an RSA key is refused with the reason, and goes over ssh by itself`() async throws {
        let server = try SSHServer()
        let key = try SSHServer.makeKey(
            "rsa", at: server.directory.path("rsa"), arguments: ["-b", "2048"])
        try authorize(server, key + ".pub")
        let target = server.target().with { $0.identityFiles = [key] }
        let error = await failure(target)
        guard case .authenticationFailed = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.hint?.contains("SHA-1") == true)
        let notices = try await expectLogin(target.with { $0.way = .automatic })
        #expect(notices.first?.contains("system's ssh") == true)
    }

    @Test func `an RSA key works with a server that takes SHA-1`() async throws {
        let server = try SSHServer(["PubkeyAcceptedAlgorithms +ssh-rsa"])
        for arguments in [["-b", "2048"], ["-b", "2048", "-m", "PEM"]] {
            let key = try SSHServer.makeKey(
                "rsa", at: server.directory.path("rsa\(arguments.count)"), arguments: arguments)
            try authorize(server, key + ".pub")
            try await expectLogin(server.target().with { $0.identityFiles = [key] })
        }
    }
}
