import FleetModel
import Transport
import Wire

/// One attempt to start the agent: what came of it.
struct Start {
    enum Result {
        case running(Hello, any RemoteChannel, FrameStream)
        /// No agent is there; the host is of this architecture.
        case missing(architecture: String)
        /// The program is there and gave no sign of being an agent.
        case broken(said: String)
    }

    let connection: any RemoteConnection
    /// Runs the agent where it is; tried first.
    let command: String
    /// Runs the agent or says why it cannot be run; tried where the first gave no agent.
    let explaining: String
    let user: String
    let path: String
    let deadlineSeconds: Double
    var become: Become? = nil

    func run() async throws(AgentFailure) -> Result {
        if let running = try await attempt(command, explains: false) { return running }
        return try await attempt(explaining, explains: true) ?? .broken(said: "it said nothing")
    }

    /// Nil where the program that ran was no agent, and why is not asked for.
    private func attempt(
        _ command: String, explains: Bool
    ) async throws(AgentFailure) -> Result? {
        let channel: any RemoteChannel
        do throws(TransportError) {
            channel = try await connection.execute(
                HostCommand(command, deadlineSeconds: deadlineSeconds))
        } catch {
            throw .transport(error)
        }
        let stream = FrameStream()
        do throws(AgentFailure) {
            guard let frame = try await stream.next(from: channel) else {
                if explains { return try await explain(channel, said: stream.noise) }
                return try await giveUp(on: channel)
            }
            guard case .message(let message) = frame else {
                throw .badReply("a blob where the hello should be")
            }
            return .running(try hello(message), channel, stream)
        } catch {
            guard case .badFrame(.noPreamble(let noise)) = error else { throw error }
            // It may go on for ever: nobody waits for its end, which is that of the connection.
            throw .notAnAgent(said: noise)
        }
    }

    /// Lets a program go that was no agent.
    ///
    /// A connection that is gone is thrown.
    private func giveUp(on channel: any RemoteChannel) async throws(AgentFailure) -> Result? {
        do throws(TransportError) {
            _ = try await channel.finish()
            return nil
        } catch {
            throw .transport(error)
        }
    }

    private func hello(_ message: JSON) throws(AgentFailure) -> Hello {
        do throws(JSONError) {
            let reply = try Reply(json: message)
            guard case .hello(let hello) = reply else { throw JSONError("no hello came first") }
            return hello
        } catch {
            if case .fault(let fault)? = try? Reply(json: message) { throw .agent(fault) }
            // A hello of another protocol may have members we do not know; its version decides.
            if let theirs = message["hello"]?["protocol"]?.integer, theirs != WireProtocol.version {
                throw .otherProtocol(
                    theirs: theirs, version: message["hello"]?["version"]?.string ?? "unknown")
            }
            throw .badReply(error.description)
        }
    }

    /// The output ended without a preamble: finds out why from what was printed.
    private func explain(
        _ channel: any RemoteChannel, said output: String
    ) async throws(AgentFailure) -> Result {
        let errors = String(decoding: await channel.standardError, as: UTF8.self)
        let exit: RemoteExit
        do throws(TransportError) {
            exit = try await channel.finish()
        } catch {
            throw .transport(error)
        }
        if let mark = output.range(ofLine: AgentCommand.missingMark) {
            let machine = output[mark...].split(whereSeparator: \.isNewline).first ?? ""
            if machine.isEmpty { throw .notAnAgent(said: output) }
            return .missing(architecture: String(machine))
        }
        if output.range(ofLine: AgentCommand.damagedMark) != nil {
            return .broken(said: "its bytes are not those that were sent")
        }
        if let become, let fault = Self.sudoFault(errors, become, user) { throw fault }
        switch exit {
        case .status(126), .status(127), .signal, .status(132...139):
            return .broken(said: errors.isEmpty ? "it \(exit.text)" : errors)
        default:
            let all = [output, errors].filter { !$0.isEmpty }.joined(separator: "\n")
            if output.isEmpty, exit != .status(0) {
                return .broken(said: all.isEmpty ? "it \(exit.text)" : all)
            }
            throw .notAnAgent(said: all.isEmpty ? "it \(exit.text)" : all)
        }
    }

    /// sudo's own refusals, told by its name at the start of a line.
    static func sudoFault(_ errors: String, _ become: Become, _ user: String) -> AgentFailure? {
        let lines = errors.split(whereSeparator: \.isNewline)
        let refusals = ["sudo: ", "Sorry, user", "sudo:"]
        let isMissing =
            errors.contains("sudo: not found") || errors.contains("sudo: command not found")
        guard
            isMissing || lines.contains(where: { line in refusals.contains(where: line.hasPrefix) })
        else { return nil }
        return .noSudo(user: user, said: errors)
    }
}

extension String {
    /// The index after a line that is exactly this text.
    fileprivate func range(ofLine text: String) -> String.Index? {
        var start = startIndex
        while start < endIndex {
            let end = self[start...].firstIndex(where: \.isNewline) ?? endIndex
            if self[start..<end] == text { return end }
            if end == endIndex { return nil }
            start = index(after: end)
        }
        return nil
    }
}
