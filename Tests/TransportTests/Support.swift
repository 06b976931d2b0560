import Glibc
import Linux
import TestSupport
import Testing
import Transport

extension SSHServer {
    /// A target that logs in to this server as root with its own key and known_hosts.
    ///
    /// The timeout leaves room for a machine that is busy with other things.
    func target(_ name: String = "md1", way: SSHTarget.Way = .libssh2) -> SSHTarget {
        SSHTarget(
            name: name, address: "127.0.0.1", port: port, user: "root",
            identityFiles: [clientKey], identitiesOnly: true, knownHostsFiles: [knownHosts],
            connectTimeoutSeconds: 60, way: way)
    }
}

extension SSHTarget {
    /// The same target with some fields changed.
    func with(_ change: (inout SSHTarget) -> Void) -> SSHTarget {
        var copy = self
        change(&copy)
        return copy
    }
}

extension RemoteConnection {
    /// Runs a command to its end; its output.
    func output(of command: String) async throws -> (text: String, exit: RemoteExit) {
        let channel = try await execute(HostCommand(command))
        try await channel.closeInput()
        var bytes: [UInt8] = []
        while let piece = try await channel.read() { bytes += piece }
        return (String(decoding: bytes, as: UTF8.self), try await channel.finish())
    }
}

/// Connects, runs `echo ok`, closes; the notices.
@discardableResult
func expectLogin(
    _ target: SSHTarget, client: SSHClient = SSHClient(),
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> [String] {
    let connection = try await client.connect(target)
    let result = try await connection.output(of: "echo ok")
    #expect(result.text == "ok\n", sourceLocation: sourceLocation)
    #expect(result.exit == .status(0), sourceLocation: sourceLocation)
    await connection.close()
    return await connection.notices
}

/// The error that a connection and, by the system's ssh, its first command ends in.
func failure(_ target: SSHTarget, client: SSHClient = SSHClient()) async -> TransportError? {
    do throws(TransportError) {
        let connection = try await client.connect(target)
        let channel: any RemoteChannel
        do throws(TransportError) {
            channel = try await connection.execute(HostCommand("true"))
        } catch {
            await connection.close()
            throw error
        }
        _ = try await channel.finish()
        await connection.close()
        return nil
    } catch {
        return error
    }
}

/// A real ssh-agent; ends with its owner.
final class SSHAgent: Sendable {
    let socket: String
    private let guardian: Guardian
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        socket = directory.path("agent")
        let path = socket
        guardian = try Guardian(["/usr/bin/ssh-agent", "-D", "-a", path])
        #expect(guardian.wait { access(path, F_OK) == 0 })
    }

    func add(_ key: String, _ arguments: [String] = []) throws {
        let result = try ProcessRunner.run(
            ProgramCall(
                "/usr/bin/ssh-add", ["-q"] + arguments + [key],
                environment: ["SSH_AUTH_SOCK=\(socket)", "PATH=/usr/bin", "HOME=/root"]))
        #expect(result.succeeded, "\(result.errorText)")
    }

    /// Stops it from answering, or lets it go on.
    func freeze(_ frozen: Bool) { guardian.signal(frozen ? SIGSTOP : SIGCONT) }
}

/// Ends the process as returning from its main function does, `atexit` handlers included.
func leave(_ status: Int32) -> Never { exit(status) }
