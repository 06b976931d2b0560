import TestSupport
import Testing
import Transport

/// Connections that nobody closes, as when a task throws.
@Suite(.timeLimit(.minutes(3)))
struct AbandonedTests {
    private static let ways: [SSHTarget.Way] = [.libssh2, .openssh, .local]

    @Test(arguments: ways) func `a connection let go of gives its place back`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let client = SSHClient(options: SSHClientOptions(width: 2))
        let target = server.target(way: way)
        for _ in 0..<6 {
            let connection = try await client.connect(target)
            let channel = try await connection.execute(HostCommand("echo up; cat"))
            #expect(try await channel.read() == Array("up\n".utf8))
        }
        try await expectLogin(target, client: client)
    }

    @Test func `connections through a jump host may be let go of, too`() async throws {
        let gateway = try SSHServer()
        let server = try SSHServer()
        let client = SSHClient(options: SSHClientOptions(width: 2, widthPerJumpHost: 2))
        let target = server.target().with { $0.jumps = [gateway.target("gw")] }
        for _ in 0..<6 {
            let connection = try await client.connect(target)
            let channel = try await connection.execute(HostCommand("echo up; cat"))
            #expect(try await channel.read() == Array("up\n".utf8))
        }
        try await expectLogin(target, client: client)
    }

    /// What a program does that throws out of its main function.
    @Test func `a process may end with connections open`() async throws {
        let server = try SSHServer()
        await #expect(processExitsWith: .exitCode(7)) {
            [
                port = server.port as Int, key = server.clientKey as String,
                known = server.knownHosts as String
            ] in
            let target = SSHTarget(
                name: "md1", address: "127.0.0.1", port: port, user: "root",
                identityFiles: [key], identitiesOnly: true, knownHostsFiles: [known],
                connectTimeoutSeconds: 60, way: .libssh2)
            let client = SSHClient()
            var open: [any RemoteConnection] = []
            for _ in 0..<40 { open.append(try await client.connect(target)) }
            // The loop is in the middle of freeing them, deep in libcrypto, when we leave.
            open = []
            leave(7)
        }
    }
}
