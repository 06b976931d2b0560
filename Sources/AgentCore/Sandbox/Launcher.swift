import CLinux
import FleetModel
import Glibc
import Journal
import Linux

/// Starts programs for a worker that may not start any itself: a separate process, reached over a
/// socket.
package final class Launcher {
    private let socket: MessageSocket
    /// Whether the launcher has reported that its own sandbox is complete.
    private var isReady = false

    private init(_ socket: MessageSocket) { self.socket = socket }

    /// Forks the launcher, which confines itself with the body before it serves.
    ///
    /// A fault that the body throws is reported by the first ``run(_:)``; the launcher then starts
    /// nothing.
    static func fork(
        closing descriptors: [Int32], confine: () throws(AgentFault) -> Void
    ) throws(AgentFault) -> Launcher {
        var ends: [Int32] = [-1, -1]
        guard clinux_socket_pair(&ends) == 0 else {
            throw AgentFault("system", "start the launcher", cause: "no sockets are left")
        }
        let pid = clinux_fork()
        if pid < 0 {
            close(ends[0])
            close(ends[1])
            throw AgentFault("system", "start the launcher", cause: SystemError.text(of: -pid))
        }
        if pid == 0 {
            close(ends[0])
            for descriptor in descriptors { close(descriptor) }
            serve(MessageSocket(ends[1]), confine)
        }
        close(ends[1])
        return Launcher(MessageSocket(ends[0]))
    }

    /// Runs a program to its end in the sandbox; the call's own identity is ignored.
    package func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult {
        do {
            if !isReady {
                if let fault = try LauncherReply(decoding: try socket.receive()).fault {
                    throw SystemError(call: "start (\(fault))", object: call.path, code: EPERM)
                }
                isReady = true
            }
            try socket.send(LauncherRequest.run(call).encoded)
            return try LauncherReply(decoding: try socket.receive()).result(of: call)
        } catch let error as SystemError {
            throw error
        } catch {
            throw SystemError(call: "start", object: call.path, code: EPIPE)
        }
    }

    /// The CPU time of the launcher and the programs it ran, in microseconds.
    func cpuMicroseconds() -> Int {
        guard isReady, (try? socket.send(LauncherRequest.cost.encoded)) != nil,
            let bytes = try? socket.receive(), let reply = try? LauncherReply(decoding: bytes),
            case .cost(let microseconds) = reply
        else { return 0 }
        return microseconds
    }

    // MARK: The launcher's own process

    private static func serve(
        _ socket: MessageSocket, _ confine: () throws(AgentFault) -> Void
    ) -> Never {
        do {
            try confine()
            try socket.send(LauncherReply.ready.encoded)
        } catch let fault as AgentFault {
            try? socket.send(LauncherReply.refused(fault.text).encoded)
            _exit(1)
        } catch {
            _exit(1)
        }
        while let bytes = try? socket.receive(), let request = try? LauncherRequest(decoding: bytes)
        {
            let reply: LauncherReply
            switch request {
            case .run(var call):
                call.identity = nil
                do throws(SystemError) {
                    reply = .ended(try ProcessRunner.run(call, owner: socket.number))
                } catch {
                    reply = .notStarted(call: error.call, code: error.code)
                }
            case .cost: reply = .cost(microseconds: Int(clinux_cpu_microseconds()))
            }
            if (try? socket.send(reply.encoded)) == nil { break }
        }
        _exit(0)
    }
}

/// Sends and receives whole messages over a stream socket: a length of four bytes, then the
/// content.
final class MessageSocket {
    private let descriptor: Descriptor

    /// Two program outputs of the largest size fit.
    private static let limit = 256 << 20

    init(_ number: Int32) { descriptor = Descriptor(owning: number) }

    var number: Int32 { descriptor.number }

    func send(_ message: [UInt8]) throws(SystemError) {
        let count = UInt32(message.count)
        let prefix = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) }
        try descriptor.writeAll(prefix + message)
    }

    func receive() throws(SystemError) -> [UInt8] {
        let count = try exactly(4).reduce(0) { $0 << 8 | Int($1) }
        if count > MessageSocket.limit {
            throw SystemError(call: "read", object: "the launcher", code: EMSGSIZE)
        }
        return try exactly(count)
    }

    private func exactly(_ count: Int) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(count)
        while all.count < count {
            let piece = try descriptor.read(upTo: min(count - all.count, 1 << 18))
            if piece.isEmpty {
                throw SystemError(call: "read", object: "the launcher", code: EPIPE)
            }
            all += piece
        }
        return all
    }
}
