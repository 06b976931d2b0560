import FleetModel
import Glibc
import Linux
import Transport
import Wire

/// A conversation with the agent of one host, over one connection.
///
/// Only one task reads; several tasks may send requests.
final class AgentSession: Sendable {
    let hello: Hello
    /// Whether the agent had to be sent first.
    let sentAgent: Bool
    private let channel: any RemoteChannel
    private let stream: FrameStream
    private let writer: FrameWriter
    /// When the hello arrived, by the monotonic clock.
    private let start = Clock.monotonicSeconds()

    private init(hello: Hello, channel: any RemoteChannel, stream: FrameStream, sentAgent: Bool) {
        self.hello = hello
        self.channel = channel
        self.stream = stream
        self.sentAgent = sentAgent
        writer = FrameWriter(channel)
    }

    /// Starts the agent on a connection; sends it first if it is missing or does not run.
    static func start(
        on connection: any RemoteConnection, agents: AgentLibrary, directory: String,
        become: Become?, user: String, deadlineSeconds: Double
    ) async throws(AgentFailure) -> AgentSession {
        var architecture = agents.localArchitecture
        var sent = false
        while true {
            let agent = try wrap { () throws(AgentMissing) in try agents.agent(for: architecture) }
            let start = Start(
                connection: connection,
                command: AgentCommand.serve(
                    digest: agent.digest, agentDirectory: directory, become: become),
                explaining: AgentCommand.serveOrExplain(
                    digest: agent.digest, agentDirectory: directory, become: become),
                user: user,
                path: "\(directory)/bin/\(agent.digest)", deadlineSeconds: deadlineSeconds,
                become: become)
            switch try await greeted(
                on: connection,
                { () async throws(AgentFailure) in
                    try await start.run()
                })
            {
            case .running(let hello, let channel, let stream):
                guard hello.protocolVersion == WireProtocol.version else {
                    throw .otherProtocol(theirs: hello.protocolVersion, version: hello.agentVersion)
                }
                return AgentSession(
                    hello: hello, channel: channel, stream: stream, sentAgent: sent)
            case .missing(let machine):
                if sent {
                    throw .doesNotRun(path: start.path, said: "it may not be executed there")
                }
                architecture = machine
                let agent = try wrap { () throws(AgentMissing) in try agents.agent(for: machine) }
                try await upload(
                    agent, from: agents, to: directory, on: connection, become: become, user: user)
                sent = true
            case .broken(let said):
                // The agent is damaged on the host: it is sent once more; after that the start
                // fails.
                if sent { throw .doesNotRun(path: start.path, said: said) }
                try await upload(
                    agent, from: agents, to: directory, on: connection, become: become, user: user)
                sent = true
            }
        }
    }

    /// The longest time in seconds from the start of the agent to its hello.
    static let helloSeconds = 60

    /// Closes the connection if a start gives no hello, so that the start ends.
    private static func greeted(
        on connection: any RemoteConnection,
        _ start: () async throws(AgentFailure) -> Start.Result
    ) async throws(AgentFailure) -> Start.Result {
        let watch = Task {
            try await Task.sleep(for: .seconds(helloSeconds))
            await connection.close()
            return true
        }
        do throws(AgentFailure) {
            let result = try await start()
            watch.cancel()
            return result
        } catch {
            watch.cancel()
            if case .success(true) = await watch.result { throw .noHello(seconds: helloSeconds) }
            throw error
        }
    }

    /// The ``RunRequest/expiresAfterSeconds`` of a request made now, so that it is valid for this
    /// many seconds.
    ///
    /// The agent counts from sending its hello, and so slightly longer than the controller: the
    /// time the hello took to arrive shortens the validity and never extends it.
    func expiry(afterSeconds seconds: Int) -> Int {
        Int(Clock.monotonicSeconds() - start) + seconds
    }

    /// Sends a request.
    func send(_ request: Request) async throws(AgentFailure) {
        try await write(Frame.message(request.json).encoded)
    }

    /// Sends a blob in pieces.
    func send(blob: [UInt8], digest: Digest) async throws(AgentFailure) {
        for piece in BlobPiece.pieces(of: blob, digest: digest) {
            try await write(Frame.blob(piece).encoded)
        }
    }

    /// The next reply.
    ///
    /// Throws a fault that the agent reports as a whole.
    func receive() async throws(AgentFailure) -> Reply {
        guard let frame = try await stream.next(from: channel) else {
            let said = String(decoding: await channel.standardError, as: UTF8.self)
            let exit = try? await channel.finish()
            throw .endedEarly(how: exit?.text ?? "went away", said: said)
        }
        guard case .message(let message) = frame else {
            throw .badReply("a blob where a message should be")
        }
        let reply: Reply
        do throws(JSONError) {
            reply = try Reply(json: message)
        } catch {
            throw .badReply(error.description)
        }
        if case .fault(let fault) = reply { throw .agent(fault) }
        return reply
    }

    /// Ends the conversation properly.
    func end() async {
        _ = try? await send(.end)
        _ = try? await channel.finish()
    }

    private func write(_ bytes: [UInt8]) async throws(AgentFailure) {
        do throws(TransportError) {
            try await writer.write(bytes)
        } catch {
            // An agent that refused has closed its input; its last reply tells why.
            if let frame = try? await stream.next(from: channel),
                case .message(let message) = frame,
                case .fault(let fault)? = try? Reply(json: message)
            {
                throw .agent(fault)
            }
            throw .transport(error)
        }
    }

    private static func wrap<T>(_ body: () throws(AgentMissing) -> T) throws(AgentFailure) -> T {
        do throws(AgentMissing) { return try body() } catch { throw .noAgent(error) }
    }

    private static func upload(
        _ agent: AgentBinary, from agents: AgentLibrary, to directory: String,
        on connection: any RemoteConnection, become: Become?, user: String
    ) async throws(AgentFailure) {
        let compressed = try wrap { () throws(AgentMissing) in try agents.compressed(agent) }
        let command = AgentCommand.upload(
            digest: agent.digest, agentDirectory: directory, become: become)
        do {
            let channel = try await connection.execute(HostCommand(command, deadlineSeconds: 300))
            var failure: TransportError?
            do throws(TransportError) {
                try await channel.write(compressed)
                try await channel.closeInput()
            } catch {
                failure = error
            }
            while let piece = try await channel.read(), !piece.isEmpty {}
            let said = String(decoding: await channel.standardError, as: UTF8.self)
            let exit = try await channel.finish()
            if exit.succeeded, failure == nil { return }
            if said.contains(AgentCommand.damagedMark) { throw AgentFailure.damagedUpload }
            if let become, let fault = Start.sudoFault(said, become, user) { throw fault }
            throw AgentFailure.uploadFailed(
                directory: directory, said: said.isEmpty ? "the shell \(exit.text)" : said)
        } catch let error as AgentFailure {
            throw error
        } catch let error as TransportError {
            throw .transport(error)
        } catch {
            throw .badReply("\(error)")
        }
    }
}
