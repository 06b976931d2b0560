import Linux
import TestSupport
import Testing
import Transport

/// Many connections at once on the one loop.
@Suite(.timeLimit(.minutes(5)))
struct ManyHostsTests {
    /// In a process of its own: what other tests allocate meanwhile is none of this one's.
    @Test func `250 connections open at once cost at most 100 KB each`() async throws {
        let server = try SSHServer()
        await #expect(processExitsWith: .success) {
            [
                port = server.port as Int, key = server.clientKey as String,
                known = server.knownHosts as String
            ] in
            try await Self.openMany(
                SSHTarget(
                    name: "md1", address: "127.0.0.1", port: port, user: "root",
                    identityFiles: [key], identitiesOnly: true, knownHostsFiles: [known],
                    connectTimeoutSeconds: 200, way: .libssh2))
        }
    }

    private static func openMany(_ target: SSHTarget) async throws {
        let count = 250
        let client = SSHClient(options: SSHClientOptions(width: count))
        try #require(client.width == count)
        // What is allocated once is allocated by now.
        try await expectLogin(target, client: client)
        let before = try residentBytes()

        var open: [(connection: any RemoteConnection, channel: any RemoteChannel)] = []
        for start in stride(from: 0, to: count, by: 50) {
            try await withThrowingTaskGroup(
                of: (any RemoteConnection, any RemoteChannel).self
            ) { group in
                for number in start..<start + 50 {
                    group.addTask {
                        let connection = try await client.connect(target)
                        let channel = try await connection.execute(
                            HostCommand("echo \(number); exec cat"))
                        try #require(try await channel.read() == Array("\(number)\n".utf8))
                        return (connection, channel)
                    }
                }
                for try await pair in group { open.append(pair) }
            }
        }
        try #require(open.count == count)
        // All of them are alive at the same time.
        for (_, channel) in open { try await channel.write([UInt8(ascii: "x")]) }
        for (_, channel) in open { try #require(try await channel.read() == [UInt8(ascii: "x")]) }
        let each = (try residentBytes() - before) / count
        try #require(each <= 100 * 1024, "\(each) bytes each")
        for (connection, channel) in open {
            try #require(try await channel.finish() == .status(0))
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
