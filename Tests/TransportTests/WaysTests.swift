import TestSupport
import Testing
import Transport

/// What every way to a host must do alike.
@Suite(.timeLimit(.minutes(10)))
struct WaysTests {
    private static let ways: [SSHTarget.Way] = [.libssh2, .openssh, .local]

    private func connect(
        _ way: SSHTarget.Way, _ server: SSHServer
    ) async throws -> any RemoteConnection {
        let connection = try await SSHClient().connect(server.target(way: way))
        #expect(connection.way == way)
        return connection
    }

    @Test(arguments: ways) func `input, output, errors and the exit status pass`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let channel = try await connection.execute(HostCommand("cat; echo oops >&2; exit 3"))
        try await channel.write(Array("he\u{0}llo\n".utf8))
        try await channel.closeInput()
        var output: [UInt8] = []
        while let piece = try await channel.read() { output += piece }
        #expect(output == Array("he\u{0}llo\n".utf8))
        #expect(try await channel.finish() == .status(3))
        #expect(try await channel.finish() == .status(3))
        #expect(String(decoding: await channel.standardError, as: UTF8.self) == "oops\n")
        #expect(try await connection.output(of: "echo again").text == "again\n")
        await connection.close()
        await connection.close()
    }

    @Test(arguments: [SSHTarget.Way.libssh2, .local]) func `a signal is named`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        #expect(try await connection.output(of: "kill -TERM $$").exit == .signal("TERM"))
        await connection.close()
    }

    @Test(arguments: ways) func `large data passes both ways, as slowly as it is read`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let channel = try await connection.execute(HostCommand("cat"))
        let block = (0..<1 << 18).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        async let sent: Void = {
            for _ in 0..<200 { try await channel.write(block) }
            try await channel.closeInput()
        }()
        var count = 0
        while let piece = try await channel.read() {
            #expect(piece.count <= 16 * 1024)
            let offset = piece.count / 2
            #expect(piece[offset] == block[(count + offset) % block.count])
            count += piece.count
        }
        try await sent
        #expect(count == 200 * block.count)
        #expect(try await channel.finish() == .status(0))
        await connection.close()
    }

    @Test(arguments: ways) func `of much standard error the end is kept`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let channel = try await connection.execute(
            HostCommand(
                "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done >&2; echo out"))
        #expect(try await channel.finish() == .status(0))
        let errors = await channel.standardError
        #expect(errors.count == 8192)
        #expect(String(decoding: errors, as: UTF8.self).hasSuffix("line 19999\n"))
        await connection.close()
    }

    @Test(arguments: ways) func `a command past its deadline ends the connection`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let channel = try await connection.execute(
            HostCommand("echo first; sleep 60", deadlineSeconds: 15))
        #expect(try await channel.read() == Array("first\n".utf8))
        let error = await #expect(throws: TransportError.self) { _ = try await channel.read() }
        #expect(error?.kind == .timedOut(.run, seconds: 15))
        await #expect(throws: TransportError.self) { _ = try await channel.finish() }
        await connection.close()
    }

    @Test(arguments: ways) func `cancelling a task that waits ends the connection`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let channel = try await connection.execute(HostCommand("sleep 60"))
        let task = Task { try await channel.read() }
        try await Task.sleep(for: .milliseconds(200))
        task.cancel()
        let error = await #expect(throws: TransportError.self) { _ = try await task.value }
        #expect(error?.kind == .cancelled)
        await connection.close()
    }

    @Test(arguments: ways) func `two commands run side by side`(_ way: SSHTarget.Way) async throws {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let slow = try await connection.execute(HostCommand("cat"))
        #expect(try await connection.output(of: "echo quick").text == "quick\n")
        try await slow.write([1, 2, 3])
        #expect(try await slow.read() == [1, 2, 3])
        #expect(try await slow.finish() == .status(0))
        await connection.close()
    }

    @Test(arguments: ways) func `after closing every call says so`(_ way: SSHTarget.Way)
        async throws
    {
        let server = try SSHServer()
        let connection = try await connect(way, server)
        let channel = try await connection.execute(HostCommand("cat"))
        await connection.close()
        for attempt in 0..<3 {
            let error = await #expect(throws: TransportError.self) {
                switch attempt {
                case 0: _ = try await channel.read()
                case 1: _ = try await channel.finish()
                default: _ = try await connection.execute(HostCommand("true"))
                }
            }
            #expect(error?.kind == .closed)
        }
    }

    @Test(arguments: [SSHTarget.Way.libssh2, .openssh])
    func `what the server and the shell say on their own passes or stays out of the way`(
        _ way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        try server.directory.write("banner", "*** Authorized use only ***\n*** second line\n")
        let talkative = try SSHServer([
            "Banner \(server.directory.path("banner"))",
            "ForceCommand echo noise; eval \"$SSH_ORIGINAL_COMMAND\"",
        ])
        let connection = try await connect(way, talkative)
        // What a login shell prints is part of the output: whoever speaks a protocol must expect it.
        #expect(try await connection.output(of: "echo ok").text == "noise\nok\n")
        await connection.close()
    }
}
