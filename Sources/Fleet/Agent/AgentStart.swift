import FleetModel
import Transport
import Wire

/// One attempt to start the agent, and its result.
struct Start {
    enum Result {
        case running(Hello, any RemoteChannel, FrameStream)
        /// No agent is installed; the host has this architecture.
        case missing(architecture: String)
        /// The program exists but did not behave like an agent.
        case broken(said: String)
    }

    let connection: any RemoteConnection
    /// Runs the installed agent; tried first.
    let command: String
    /// Runs the agent or prints why it cannot run; tried if the first command gave no agent.
    let explaining: String
    let user: String
    let path: String
    let deadlineSeconds: Double
    var become: Become? = nil

    func run() async throws(AgentFailure) -> Result {
        if let running = try await attempt(command, explains: false) { return running }
        return try await attempt(explaining, explains: true) ?? .broken(said: "it printed nothing")
    }

    /// Nil if the program that ran was not an agent and the reason is not asked for.
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
            // The program may run forever, so nobody waits for its end: closing the connection ends
            // it.
            throw .notAnAgent(said: noise)
        }
    }

    /// Abandons a program that was not an agent.
    ///
    /// Throws if the connection is lost.
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
            guard case .hello(let hello) = reply else {
                throw JSONError("the first message is not a hello")
            }
            return hello
        } catch {
            if case .fault(let fault)? = try? Reply(json: message) { throw .agent(fault) }
            // A hello of another protocol may have unknown members, so its version is checked
            // first.
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

    /// sudo's own refusals, recognized by its name at the start of a line.
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
