import Glibc
import Linux
import TestSupport
import Testing
import Transport

/// Hosts that refuse, hang, drop the line or speak something else.
@Suite(.timeLimit(.minutes(10)))
struct MisbehaviourTests {
    private func target(_ port: Int) -> SSHTarget {
        SSHTarget(
            name: "md1", address: "127.0.0.1", port: port, user: "root", connectTimeoutSeconds: 1,
            way: .libssh2)
    }

    private let once = SSHClient(options: SSHClientOptions(greetingRetries: 0))

    @Test func `a closed port refuses`() async throws {
        let error = await failure(target(try SSHServer.freePort()))
        #expect(error?.kind == .refused)
        #expect(error?.isUnreachable == true)
    }

    @Test func `a name that does not exist is said`() async throws {
        let error = await failure(target(22).with { $0.address = "no-such-host.invalid" })
        switch error?.kind {
        case .unresolvable: break
        case .timedOut(.resolve, _): break
        default: Issue.record("\(String(describing: error))")
        }
    }

    @Test func `a port that accepts and says nothing times out at the greeting`() async throws {
        let silent = try Listener()
        #expect(
            await failure(target(silent.port))?.kind == .timedOut(.banner, seconds: 1))
    }

    @Test func `a full listen queue times out at connecting`() async throws {
        let full = try Listener(backlog: 0)
        // Connections until the kernel takes no more.
        let fillers = (0..<4).map { _ in
            Task { await failure(target(full.port).with { $0.connectTimeoutSeconds = 20 }) }
        }
        try await Task.sleep(for: .milliseconds(500))
        #expect(
            await failure(target(full.port))?.kind == .timedOut(.connect, seconds: 1))
        for filler in fillers { filler.cancel() }
        for filler in fillers { #expect(await filler.value?.kind == .cancelled) }
    }

    @Test func `a server that greets and then hangs times out at the key exchange`() async throws {
        let server = try FakeServer { connection in
            try? connection.writeAll(Array("SSH-2.0-Hanging\r\n".utf8))
            while let bytes = try? connection.read(upTo: 4096), !bytes.isEmpty {}
        }
        #expect(
            await failure(target(server.port))?.kind == .timedOut(.keyExchange, seconds: 1))
    }

    @Test func `a server that is none is shown`() async throws {
        let server = try FakeServer { connection in
            try? connection.writeAll(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        }
        let kind = await failure(target(server.port), client: once)?.kind
        switch kind {
        case .notSSH(let text), .bannerRefused(let text):
            #expect(text.contains("HTTP/1.1 400 Bad Request"))
        default: Issue.record("\(String(describing: kind))")
        }
    }

    @Test func `a connection closed before the greeting says so, with the server's words`()
        async throws
    {
        for words in ["", "Exceeded MaxStartups\r\n", "Not allowed at this time"] {
            let server = try FakeServer { connection in
                try? connection.writeAll(Array(words.utf8))
                // Closed with the client's greeting unread it would be a reset, which loses the words.
                _ = try? connection.read(upTo: 4096)
            }
            let expected = words.filter { !$0.isNewline }
            #expect(
                await failure(target(server.port), client: once)?.kind
                    == .bannerRefused(text: expected))
        }
    }

    @Test func `a server over its limit of startups is tried again until it lets all in`()
        async throws
    {
        let server = try SSHServer(["MaxStartups 2:100:3"])
        let client = SSHClient(options: SSHClientOptions(greetingRetries: 8))
        try await withThrowingTaskGroup { group in
            for _ in 0..<12 {
                group.addTask {
                    try await expectLogin(
                        server.target().with { $0.connectTimeoutSeconds = 60 }, client: client)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a dead and a hung host delay none of many others`() async throws {
        let server = try SSHServer()
        let silent = try Listener()
        let client = SSHClient(options: SSHClientOptions(width: 40))
        let hanging = (0..<5).map { _ in
            Task {
                await failure(
                    target(silent.port).with { $0.connectTimeoutSeconds = 170 }, client: client)
            }
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<30 {
                group.addTask { try await expectLogin(server.target(), client: client) }
            }
            try await group.waitForAll()
        }
        // They were still hanging all the while.
        for task in hanging { task.cancel() }
        for task in hanging { #expect(await task.value?.kind == .cancelled) }
    }

    @Test(arguments: [SSHTarget.Way.libssh2, .openssh])
    func `a host that drops the line mid-run is noticed`(_ way: SSHTarget.Way) async throws {
        let server = try SSHServer()
        let connection = try await SSHClient().connect(server.target(way: way))
        let channel = try await connection.execute(
            HostCommand("echo first; sleep 1; kill -KILL $PPID; sleep 60"))
        #expect(try await channel.read() == Array("first\n".utf8))
        let error = await #expect(throws: TransportError.self) { _ = try await channel.finish() }
        guard case .connectionLost(.run, _) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        await connection.close()
    }

    @Test func `a host that hangs mid-run ends at the deadline`() async throws {
        let server = try SSHServer()
        let connection = try await SSHClient().connect(server.target())
        let channel = try await connection.execute(
            HostCommand("echo $PPID; sleep 1; kill -STOP $PPID; sleep 60", deadlineSeconds: 20))
        let piece = try #require(try await channel.read())
        let error = await #expect(throws: TransportError.self) { _ = try await channel.finish() }
        #expect(error?.kind == .timedOut(.run, seconds: 20))
        await connection.close()
        let number = String(decoding: piece, as: UTF8.self).filter(\.isNumber)
        if let pid = pid_t(number) { kill(pid, SIGKILL) }
    }

    @Test func `keys are exchanged anew in the middle of a transfer`() async throws {
        let server = try SSHServer(["RekeyLimit 1M"])
        let connection = try await SSHClient().connect(server.target())
        let channel = try await connection.execute(HostCommand("cat"))
        let block = (0..<1 << 16).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        async let sent: Void = {
            for _ in 0..<160 { try await channel.write(block) }
            try await channel.closeInput()
        }()
        var count = 0
        while let piece = try await channel.read() {
            let offset = piece.count / 2
            #expect(piece[offset] == block[(count + offset) % block.count])
            count += piece.count
        }
        try await sent
        #expect(count == 160 * block.count)
        #expect(try await channel.finish() == .status(0))
        await connection.close()
    }

    @Test(arguments: 0..<24) func `rubbish after the greeting ends in an error`(
        _ seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        var bytes = Array("SSH-2.0-Rubbish\r\n".utf8)
        if seed % 3 == 0 {
            // A plausible packet: length, padding, KEXINIT.
            bytes += [0, 0, UInt8.random(in: 0...255, using: &random), 12, 4, 20]
        }
        for _ in 0..<Int.random(in: 1...4000, using: &random) {
            bytes.append(UInt8.random(in: 0...255, using: &random))
        }
        let rubbish = bytes
        let server = try FakeServer { connection in
            try? connection.writeAll(rubbish)
            _ = try? connection.read(upTo: 4096)
        }
        let error = await failure(target(server.port), client: once)
        #expect(error?.isUnreachable == true)
    }
}
