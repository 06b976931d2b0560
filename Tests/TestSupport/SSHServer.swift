import Glibc
import Linux

/// A real sshd on 127.0.0.1, on a port of its own, with its own keys; ends with its owner.
///
/// Needs root and Debian's openssh-server. Root may log in with the key at `clientKey`.
package final class SSHServer: Sendable {
    package let directory: TemporaryDirectory
    package let port: Int
    package let clientKey: String
    /// A known_hosts file that has the host's key.
    package let knownHosts: String
    private let guardian: Guardian

    /// Starts sshd with further lines of sshd_config, which come first and so win.
    ///
    /// `hostKeys`: types as `ssh-keygen -t` takes them.
    package init(
        _ configuration: [String] = [], hostKeys: [String] = ["ed25519"],
        program: String = "/usr/sbin/sshd"
    ) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        mkdir("/run/sshd", 0o755)
        for type in hostKeys { try Self.makeKey(type, at: directory.path("host_\(type)")) }
        clientKey = try Self.makeKey("ed25519", at: directory.path("client"))
        try directory.write("authorized_keys", directory.read("client.pub"))
        var failure = ""
        for _ in 0..<5 {
            let port = try Self.freePort()
            let lines =
                configuration + [
                    "Port \(port)", "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no",
                    "AuthorizedKeysFile \(directory.path("authorized_keys"))", "StrictModes no",
                    "PermitRootLogin yes", "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no", "MaxStartups 1000", "LogLevel VERBOSE",
                    // Or bash reads root's ~/.bashrc for every command, whatever that does.
                    "SetEnv SHLVL=3",
                ] + hostKeys.map { "HostKey \(directory.path("host_\($0)"))" }
            let file = try directory.write(
                "sshd_config", lines.joined(separator: "\n") + "\n")
            let guardian = try Guardian([program, "-D", "-f", file, "-E", directory.path("log")])
            if guardian.wait(until: { Listener.canConnect(to: port) }) {
                self.guardian = guardian
                self.port = port
                var known = ""
                for type in hostKeys {
                    let key = try directory.read("host_\(type).pub").split(separator: " ")
                    known += "[127.0.0.1]:\(port) \(key[0]) \(key[1])\n"
                }
                knownHosts = try directory.write("known_hosts", known)
                return
            }
            guardian.stop()
            failure = (try? directory.read("log")) ?? ""
        }
        throw Failure(text: "sshd did not start: \(failure)")
    }

    deinit { stop() }

    /// Kills the listener; sessions under way go on.
    package func stop() { guardian.stop() }

    /// What sshd has logged so far.
    package var log: String { (try? directory.read("log")) ?? "" }

    /// Makes a key pair without a passphrase, or with one; returns the private key's path.
    @discardableResult
    package static func makeKey(
        _ type: String, at path: String, passphrase: String = "", arguments: [String] = []
    ) throws -> String {
        let result = try ProcessRunner.run(
            ProgramCall(
                "/usr/bin/ssh-keygen",
                ["-q", "-t", type, "-N", passphrase, "-C", "test", "-f", path] + arguments))
        guard result.succeeded else { throw Failure(text: result.errorText) }
        return path
    }

    /// A TCP port of 127.0.0.1 that nobody listens on just now.
    package static func freePort() throws -> Int {
        let listener = try Listener()
        return listener.port
    }

    package struct Failure: Error, CustomStringConvertible {
        let text: String
        package var description: String { text }
    }
}

/// A listening TCP socket on 127.0.0.1 that accepts in the kernel and says nothing.
package final class Listener: Sendable {
    package let port: Int
    private let number: Int32

    /// `backlog`: how many connections the kernel accepts on its own.
    package init(backlog: Int32 = 128) throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try check(number, "socket", "listener")
        self.number = number
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let answer = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                if bind(number, raw, length) != 0 || listen(number, backlog) != 0 { return -1 }
                return Int(getsockname(number, raw, &length))
            }
        }
        try check(answer, "bind", "127.0.0.1")
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(number) }

    /// Takes the next connection; the caller owns the descriptor.
    package func accept() throws -> Descriptor {
        let number = Glibc.accept(number, nil, nil)
        try check(number, "accept", "listener")
        return Descriptor(owning: number)
    }

    /// Ends listening; a waiting `accept` throws.
    package func stop() { shutdown(number, Int32(SHUT_RDWR)) }

    static func canConnect(to port: Int) -> Bool {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(number) }
        var address = address(port: port)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = in_port_t(port).bigEndian
        return address
    }
}
