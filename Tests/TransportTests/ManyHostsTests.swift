import Linux
import TestSupport
import Testing
import Transport

/// Many connections at once on the one loop.
@Suite(.timeLimit(.minutes(5)))
struct ManyHostsTests {
    private static let count = 250

    @Test func `250 connections open at once cost at most 100 KB each`() async throws {
        let server = try SSHServer()
        let client = SSHClient(options: SSHClientOptions(width: Self.count))
        #expect(client.width == Self.count)
        let target = server.target().with { $0.connectTimeoutSeconds = 200 }
        // What is allocated once is allocated by now.
        try await expectLogin(target, client: client)
        let before = try Self.residentBytes()

        var open: [(connection: any RemoteConnection, channel: any RemoteChannel)] = []
        for start in stride(from: 0, to: Self.count, by: 50) {
            try await withThrowingTaskGroup(
                of: (any RemoteConnection, any RemoteChannel).self
            ) { group in
                for number in start..<start + 50 {
                    group.addTask {
                        let connection = try await client.connect(target)
                        let channel = try await connection.execute(
                            HostCommand("echo \(number); exec cat"))
                        #expect(try await channel.read() == Array("\(number)\n".utf8))
                        return (connection, channel)
                    }
                }
                for try await pair in group { open.append(pair) }
            }
        }
        #expect(open.count == Self.count)
        // All of them are alive at the same time.
        for (_, channel) in open { try await channel.write([UInt8(ascii: "x")]) }
        for (_, channel) in open { #expect(try await channel.read() == [UInt8(ascii: "x")]) }
        let each = (try Self.residentBytes() - before) / Self.count
        #expect(each <= 100 * 1024, "\(each) bytes each")
        for (connection, channel) in open {
            #expect(try await channel.finish() == .status(0))
            await connection.close()
        }
    }

    /// VmRSS of /proc/self/status.
    private static func residentBytes() throws -> Int {
        let status = try LocalMachine().read("/proc/self/status", limit: 1 << 16)
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("VmRSS:") }
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return try #require(kilobytes) * 1024
    }
}
