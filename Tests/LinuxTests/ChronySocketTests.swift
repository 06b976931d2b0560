import Glibc
import Linux
import TestSupport
import Testing

/// The socket to chronyd, against a peer on loopback that is none.
@Suite struct ChronySocketTests {
    /// Binds a datagram socket to a port of loopback that is free.
    private func peer() throws -> (socket: Int32, port: UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(socket >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(socket, $0, length) == 0)
                try #require(getsockname(socket, $0, &length) == 0)
            }
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    @Test func theAnswerIsGiven() throws {
        let (socket, port) = try peer()
        defer { close(socket) }
        let chrony = try ChronySocket(port: port)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let reply: [UInt8] = [7, 8, 9]
        // It is there before it is asked for: one thread is enough.
        let sent = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(chrony.number, $0, &length) == 0
                    ? sendto(socket, reply, reply.count, 0, $0, length) : -1
            }
        }
        try #require(sent == 3)
        let answer = try chrony.ask([1, 2])
        #expect(answer == reply)
        var asked = [UInt8](repeating: 0, count: 16)
        #expect(recv(socket, &asked, asked.count, Int32(MSG_DONTWAIT)) == 2)
        #expect(asked.prefix(2) == [1, 2])
    }

    @Test func nobodyAndSilenceAreToldApart() throws {
        let (socket, port) = try peer()
        let silent = try ChronySocket(port: port)
        #expect(throws: SystemError(call: "read", object: "127.0.0.1:\(port)", code: ETIMEDOUT)) {
            try silent.ask([1])
        }
        close(socket)
        do {
            _ = try ChronySocket(port: port).ask([1])
            Issue.record("nobody answered")
        } catch {
            #expect(error.code == ECONNREFUSED)
        }
    }
}
