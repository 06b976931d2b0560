import Linux
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(2)))
struct PlainLoginTests {
    @Test func `a command's output, exit status and steps come back`() async throws {
        let server = try SSHServer()
        let connection = try await SSHClient().connect(server.target())
        let channel = try await connection.execute(HostCommand("cat; echo oops >&2; exit 3"))
        try await channel.write(Array("hello".utf8))
        try await channel.closeInput()
        var output: [UInt8] = []
        while let piece = try await channel.read() { output += piece }
        #expect(String(decoding: output, as: UTF8.self) == "hello")
        #expect(try await channel.finish() == .status(3))
        #expect(String(decoding: await channel.standardError, as: UTF8.self) == "oops\n")
        #expect(await connection.steps.map(\.name) == ["resolve", "tcp", "kex", "auth", "exec"])
        await connection.close()
    }

    @Test func `several commands run one after the other on one connection`() async throws {
        let server = try SSHServer()
        let connection = try await SSHClient().connect(server.target())
        for number in 1...3 {
            let channel = try await connection.execute(HostCommand("exit \(number)"))
            #expect(try await channel.finish() == .status(Int32(number)))
        }
        await connection.close()
        await #expect(throws: TransportError.self) {
            _ = try await connection.execute(HostCommand("true"))
        }
    }

    @Test func `a command ended by a signal says which`() async throws {
        let server = try SSHServer()
        let connection = try await SSHClient().connect(server.target())
        let channel = try await connection.execute(HostCommand("kill -KILL $$"))
        #expect(try await channel.finish() == .signal("KILL"))
        await connection.close()
    }

    @Test func `fifty megabytes pass both ways at once`() async throws {
        let server = try SSHServer()
        let connection = try await SSHClient().connect(server.target())
        let channel = try await connection.execute(HostCommand("cat"))
        let block = (0..<1 << 18).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        async let sent: Void = {
            for _ in 0..<200 { try await channel.write(block) }
            try await channel.closeInput()
        }()
        var count = 0
        while let piece = try await channel.read() {
            let offset = piece.count / 2
            #expect(piece[offset] == block[(count + offset) % block.count])
            count += piece.count
        }
        try await sent
        #expect(count == 200 * block.count)
        #expect(try await channel.finish() == .status(0))
        await connection.close()
    }
}
