import TestSupport
import Testing
import Transport

/// What libssh2 1.10 cannot do: named, and done by the system's ssh where that is allowed.
@Suite(.timeLimit(.minutes(3)))
struct FallbackTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let line: String
        let kind: TransportError.AlgorithmKind
        let offered: [String]
        var testDescription: String { line }
    }

    @Test(arguments: [
        Case(
            line: "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com", kind: .cipher,
            offered: ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"]),
        Case(
            line: "MACs hmac-sha2-256-etm@openssh.com", kind: .mac,
            offered: ["hmac-sha2-256-etm@openssh.com"]),
        Case(
            line: "KexAlgorithms sntrup761x25519-sha512@openssh.com", kind: .keyExchange,
            offered: [
                "sntrup761x25519-sha512@openssh.com", "kex-strict-s-v00@openssh.com",
            ]),
        Case(
            line: "HostKeyAlgorithms rsa-sha2-512", kind: .hostKey, offered: ["rsa-sha2-512"]),
    ])
    func `a hardened server's missing algorithm is named, and ssh takes over`(
        _ case: Case
    ) async throws {
        let keys = `case`.kind == .hostKey ? ["rsa", "ed25519"] : ["ed25519"]
        let server = try SSHServer([`case`.line], hostKeys: keys)
        let error = await failure(server.target())
        guard case .noCommonAlgorithm(let kind, let offered, let ours) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(kind == `case`.kind)
        #expect(offered == `case`.offered)
        #expect(!ours.isEmpty)

        let client = SSHClient()
        let connection = try await client.connect(server.target(way: .automatic))
        #expect(connection.way == .openssh)
        #expect(try await connection.output(of: "echo $((6*7))").text == "42\n")
        let notices = await connection.notices
        #expect(notices.count == 1)
        #expect(notices.first?.contains(`case`.kind.rawValue) == true)
        #expect(await connection.steps.map(\.name).last == "ssh")
        await connection.close()
    }

    @Test func `a setting for OpenSSH goes there, said aloud`() async throws {
        let server = try SSHServer()
        let setting = "ProxyCommand (~/.ssh/config:3)"
        let target = server.target(way: .automatic).with { $0.needsOpenSSH = [setting] }
        #expect(
            try await expectLogin(target) == ["goes over the system's ssh for \(setting)"])
        #expect(
            await failure(target.with { $0.way = .libssh2 })?.kind == .unsupported(option: setting))
    }

    @Test func `arguments for ssh go to ssh`() async throws {
        let server = try SSHServer(["AcceptEnv MUSTER_TEST"])
        let target = server.target(way: .automatic).with {
            $0.extraArguments = ["-o", "SetEnv=MUSTER_TEST=here"]
        }
        let connection = try await SSHClient().connect(target)
        #expect(try await connection.output(of: "echo $MUSTER_TEST").text == "here\n")
        #expect(await connection.notices.first?.contains("SetEnv") == true)
        await connection.close()
    }
}
