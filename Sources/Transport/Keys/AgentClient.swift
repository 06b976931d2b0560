import Glibc
import Linux

/// A client of ssh-agent with the two messages that a login needs: list the keys, sign
/// (draft-ietf-sshm-ssh-agent, 3.2 and 3.6), all on the loop.
@TransportLoop
final class AgentClient {
    struct Key: Sendable, Equatable {
        let blob: [UInt8]
        let comment: String

        var type: String {
            var reader = SSHReader(blob)
            return reader.text() ?? ""
        }
    }

    enum Failure: Error, Sendable, Equatable {
        case unreachable(String)
        case malformed
        case refused
        case timedOut
        case cancelled
    }

    private enum Message {
        static let failure: UInt8 = 5
        static let requestIdentities: UInt8 = 11
        static let identities: UInt8 = 12
        static let signRequest: UInt8 = 13
        static let signResponse: UInt8 = 14
    }

    /// The largest answer of an agent; the same limit as in OpenSSH.
    private static let answerLimit = 256 * 1024

    let path: String
    /// The agent's listen queue is short, and it works on one request at a time anyway.
    private let turnstile = Turnstile(limit: 8)
    private var listing: Task<Result<[Key], Failure>, Never>?

    nonisolated init(path: String) { self.path = path }

    /// The agent's keys; requested once.
    func keys(until deadline: Deadline) async -> Result<[Key], Failure> {
        if let listing { return await listing.value }
        let task = Task { await list(until: deadline) }
        listing = task
        let result = await task.value
        if case .failure = result { listing = nil }
        return result
    }

    private func list(until deadline: Deadline) async -> Result<[Key], Failure> {
        do throws(Failure) {
            let answer = try await ask([Message.requestIdentities], until: deadline)
            var reader = SSHReader(answer)
            guard reader.byte() == Message.identities, let count = reader.uint32(), count < 2048
            else { throw .malformed }
            var keys: [Key] = []
            for _ in 0..<count {
                guard let blob = reader.string(), let comment = reader.text() else {
                    throw .malformed
                }
                keys.append(Key(blob: blob, comment: comment))
            }
            return .success(keys)
        } catch {
            return .failure(error)
        }
    }

    /// A signature by one of the agent's keys, without the algorithm's name.
    ///
    /// The agent may ask the owner of the key for consent, so this may take long.
    func sign(
        _ data: [UInt8], with blob: [UInt8], algorithm: String, until deadline: Deadline
    ) async throws(Failure) -> [UInt8] {
        var request = SSHWriter()
        request.byte(Message.signRequest)
        request.string(blob)
        request.string(data)
        let flags: [String: UInt32] = ["rsa-sha2-256": 2, "rsa-sha2-512": 4]
        request.uint32(flags[algorithm] ?? 0)
        var reader = SSHReader(try await ask(request.bytes, until: deadline))
        let kind = reader.byte()
        if kind == Message.failure { throw .refused }
        guard kind == Message.signResponse, let packed = reader.string() else { throw .malformed }
        var signature = SSHReader(packed)
        guard signature.string() != nil, let bytes = signature.string() else { throw .malformed }
        return bytes
    }

    /// Sends one request on its own connection.
    private func ask(_ request: [UInt8], until deadline: Deadline) async throws(Failure) -> [UInt8]
    {
        guard await turnstile.enter(until: deadline.instant) else { throw .timedOut }
        defer { turnstile.leave() }
        let changed = Notifier()
        let link: SocketLink
        do {
            link = try SocketLink(try UnixSocket.connect(to: path)) { changed.notifyAll() }
        } catch {
            throw .unreachable(error.reason)
        }
        defer { link.close() }
        var message = SSHWriter()
        message.string(request)
        _ = message.bytes.withUnsafeBytes { link.send($0) }
        link.flush()
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let n = piece.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { link.receive(into: $0, count: buffer.count) } ?? 0
            }
            if n > 0 {
                answer.append(contentsOf: piece[..<n])
                var reader = SSHReader(answer)
                if let length = reader.uint32(), length > Self.answerLimit { throw .malformed }
                reader = SSHReader(answer)
                if let body = reader.string() { return body }
                continue
            }
            if n != -Int(EAGAIN) { throw .unreachable("it closed the connection") }
            switch await changed.wait(until: deadline.instant) {
            case .notified: break
            case .timedOut: throw .timedOut
            case .cancelled: throw .cancelled
            }
        }
    }
}

/// The agents of a run, one client per socket.
@TransportLoop
final class Agents {
    nonisolated let defaultPath: String?
    private var clients: [String: AgentClient] = [:]

    /// `defaultPath`: the agent of targets that name none; nil: there is no default agent.
    nonisolated init(defaultPath: String?) { self.defaultPath = defaultPath }

    /// The agent of a target; nil if it uses none.
    func agent(for target: SSHTarget) -> AgentClient? {
        guard let path = target.identityAgent ?? defaultPath, path != "none" else { return nil }
        if let client = clients[path] { return client }
        let client = AgentClient(path: path)
        clients[path] = client
        return client
    }
}

/// Unix stream sockets with a path.
enum UnixSocket {
    /// A connected, non-blocking socket.
    ///
    /// Connecting to a path never blocks: it succeeds or fails at once.
    static func connect(to path: String) throws(SystemError) -> Descriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else {
            throw SystemError(call: "connect", object: path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = Descriptor(owning: try check(socket(AF_UNIX, type, 0), "socket", path))
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(
                    descriptor.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try check(result, "connect", path)
        return descriptor
    }
}
