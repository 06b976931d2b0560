import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(3)))
struct JumpHostTests {
    private static let ways: [SSHTarget.Way] = [.libssh2, .openssh]

    private func logins(_ server: SSHServer) -> Int {
        server.log.split(whereSeparator: \.isNewline).count { $0.contains("Accepted publickey") }
    }

    @Test(arguments: ways) func `one and two jump hosts lead to the host`(
        _ way: SSHTarget.Way
    ) async throws {
        let outer = try SSHServer()
        let inner = try SSHServer()
        let server = try SSHServer()
        let client = SSHClient()
        for jumps in [[outer.target("gw")], [outer.target("gw"), inner.target("gw2")]] {
            let target = server.target(way: way).with { $0.jumps = jumps }
            let connection = try await client.connect(target)
            #expect(try await connection.output(of: "cat /dev/null; echo ok").text == "ok\n")
            let steps = await connection.steps.map(\.name)
            #expect(
                steps
                    == (way == .libssh2
                        ? ["wait", "jump", "kex", "auth", "exec"] : ["wait", "ssh"]))
            await connection.close()
        }
        if way == .libssh2 {
            // Each jump host was logged in to once, for all that came after.
            #expect(logins(outer) == 1)
            #expect(logins(inner) == 1)
        }
        #expect(logins(server) == 2, "\(server.log)")
        await client.close()
    }

    @Test func `many hosts share one session with their jump host`() async throws {
        let gateway = try SSHServer()
        let server = try SSHServer()
        let client = SSHClient(options: SSHClientOptions(width: 24, widthPerJumpHost: 12))
        let target = server.target().with { $0.jumps = [gateway.target("gw")] }
        try await withThrowingTaskGroup { group in
            for number in 0..<24 {
                group.addTask {
                    let connection = try await client.connect(target)
                    let result = try await connection.output(of: "echo host \(number)")
                    #expect(result.text == "host \(number)\n")
                    await connection.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(logins(gateway) == 1)
        await client.close()
    }

    @Test func `large data passes through two jump hosts, a slow reader delays no other`()
        async throws
    {
        let outer = try SSHServer()
        let inner = try SSHServer()
        let server = try SSHServer()
        let client = SSHClient()
        let target = server.target().with {
            $0.jumps = [outer.target("gw"), inner.target("gw2")]
        }
        // This one asks for much and reads nothing.
        let slow = try await client.connect(target)
        let stuck = try await slow.execute(HostCommand("cat /dev/zero"))

        let connection = try await client.connect(target)
        let channel = try await connection.execute(HostCommand("cat"))
        let block = (0..<1 << 18).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        async let sent: Void = {
            for _ in 0..<20 { try await channel.write(block) }
            try await channel.closeInput()
        }()
        var count = 0
        while let piece = try await channel.read() {
            let offset = piece.count / 2
            #expect(piece[offset] == block[(count + offset) % block.count])
            count += piece.count
        }
        try await sent
        #expect(count == 20 * block.count)
        #expect(try await stuck.read()?.first == 0)
        await slow.close()
        await connection.close()
        await client.close()
    }

    @Test func `a jump host that forwards nothing is named`() async throws {
        let gateway = try SSHServer(["AllowTcpForwarding no"])
        let server = try SSHServer()
        let error = await failure(server.target().with { $0.jumps = [gateway.target("gw")] })
        guard case .jumpRefused(let destination, let reason) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(destination == "127.0.0.1:\(server.port)")
        #expect(reason.contains("prohibited"))
        #expect(error?.host == "md1 through gw")
    }

    @Test func `a host that its jump host cannot reach is named`() async throws {
        let gateway = try SSHServer()
        let port = try SSHServer.freePort()
        let error = await failure(
            gateway.target().with {
                $0.jumps = [gateway.target("gw")]
                $0.port = port
            })
        guard case .jumpRefused(_, let reason) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("connect failed"))
    }

    @Test func `a dead jump host is tried once for all behind it`() async throws {
        let server = try SSHServer()
        let port = try SSHServer.freePort()
        let client = SSHClient()
        let target = server.target().with {
            $0.jumps = [server.target("gw").with { $0.port = port }]
        }
        for _ in 0..<2 {
            let error = await failure(target, client: client)
            #expect(error?.kind == .refused)
            #expect(error?.host == "md1 through gw")
            #expect(error?.endpoint == "127.0.0.1:\(port)")
        }
        await client.close()
    }

    @Test func `a jump host that goes away takes its sessions along, the next come by a new one`()
        async throws
    {
        let gateway = try SSHServer()
        let server = try SSHServer()
        let client = SSHClient()
        let target = server.target().with { $0.jumps = [gateway.target("gw")] }
        let connection = try await client.connect(target)
        let channel = try await connection.execute(HostCommand("echo up; sleep 60"))
        #expect(try await channel.read() == Array("up\n".utf8))
        // The jump host's own session process, found by what it forwards to.
        let direct = try await client.connect(gateway.target())
        _ = try await direct.output(
            of:
                "for p in $(pgrep -P $(pgrep -f '^sshd: /usr/sbin/sshd -D -f \(gateway.directory.path)')); do"
                + " case \" $$ $(ps -o ppid= $PPID) $PPID \" in *\" $p \"*) ;; *) kill -KILL $(pgrep -P $p) $p;; esac; done"
        )
        let error = await #expect(throws: TransportError.self) { _ = try await channel.read() }
        guard case .connectionLost(.run, _) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        await connection.close()
        await direct.close()
        try await expectLogin(target, client: client)
        #expect(logins(gateway) == 3)
        await client.close()
    }

    @Test func `a host that hangs behind a jump host delays no other`() async throws {
        let gateway = try SSHServer()
        let server = try SSHServer()
        let silent = try Listener()
        let client = SSHClient()
        let jumps = [gateway.target("gw")]
        let hanging = Task {
            await failure(
                server.target("dead").with {
                    $0.port = silent.port
                    $0.jumps = jumps
                    $0.connectTimeoutSeconds = 170
                }, client: client)
        }
        for _ in 0..<4 {
            try await expectLogin(server.target().with { $0.jumps = jumps }, client: client)
        }
        hanging.cancel()
        #expect(await hanging.value?.kind == .cancelled)
        await client.close()
    }
}
