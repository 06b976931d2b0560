import Glibc
import Linux
import TestSupport
import Testing

/// `muster` in a fleet of its own, whose hosts are one real sshd on loopback.
final class LoopbackProgram {
    let server: SSHServer
    let directory: TemporaryDirectory
    /// Where what hosts make lies: a place that the agent's sandbox sees as well.
    let made: TemporaryDirectory

    struct Answer {
        let status: Int32
        let output: String
        let errors: String
    }

    /// `hosts`: their names; each has an agent directory of its own by the name's last letter only
    /// where one host is enough for the test.
    init(hosts: [String] = ["newc-1"]) throws {
        server = try SSHServer()
        directory = try TemporaryDirectory()
        made = try TemporaryDirectory(below: "/var/tmp")
        for folder in ["Inventory", "Roles", "Roles/r"] { mkdir(directory.path(folder), 0o755) }
        let lines = hosts.map { "    \($0):\n" }.joined()
        try directory.write("Inventory/hosts.yaml", "all:\n  hosts:\n\(lines)")
        try directory.write("Inventory/site.yaml", "- {hosts: all, roles: [r]}\n")
        mkdir(directory.path("Inventory/group_vars"), 0o755)
        try directory.write(
            "Inventory/group_vars/all.yaml",
            """
            ansible_host: 127.0.0.1
            ansible_port: \(server.port)
            ansible_user: root
            ansible_ssh_private_key_file: \(server.clientKey)
            """)
        try directory.write(
            "Inventory/settings.yaml",
            """
            ssh: {config: none, known_hosts: ["\(server.knownHosts)"], connect_timeout: 60s}
            agent_dir: \(made.path("agent"))
            """)
    }

    /// A role with resources as they stand in role.yaml.
    func role(_ resources: String) throws {
        try directory.write("Roles/r/role.yaml", "description: A test.\nresources:\n\(resources)\n")
    }

    /// Starts a verb and leaves it running; its output goes to files.
    func start(_ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(
            [BuiltProgram.muster] + arguments + ["--fleet", directory.path],
            home: directory.path, output: directory.path("out"), errors: directory.path("err"))
    }

    /// Runs a verb to its end.
    func muster(_ arguments: String...) throws -> Answer {
        let program = try start(arguments)
        let status = program.wait(seconds: 120)
        return Answer(
            status: status ?? -1, output: try directory.read("out"),
            errors: try directory.read("err"))
    }

    /// What the last verb has said on its standard error so far.
    var said: String { (try? directory.read("err")) ?? "" }

    /// Waits until a file is there; false where it does not come.
    func waitForFile(_ name: String, seconds: Int = 60) -> Bool {
        for _ in 0..<(seconds * 20) {
            if access(made.path(name), F_OK) == 0 { return true }
            usleep(50_000)
        }
        return false
    }
}

/// A program that runs beside the test, and is gone when its owner is.
final class RunningProgram {
    private let pid: pid_t
    private var status: Int32?

    init(_ words: [String], home: String, output: String, errors: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (number, path) in [(Int32(1), output), (2, errors)] {
            posix_spawn_file_actions_addopen(
                &actions, number, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        let environment =
            ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") } + ["HOME=\(home)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child = pid_t()
        let code = posix_spawn(&child, words[0], &actions, nil, &arguments, &variables)
        guard code == 0 else {
            throw SystemError(call: "posix_spawn", object: words[0], code: code)
        }
        pid = child
    }

    deinit {
        if status == nil {
            kill(SIGKILL)
            _ = wait(seconds: 10)
        }
    }

    func kill(_ signal: Int32) { if status == nil { Glibc.kill(pid, signal) } }

    /// The exit status, or minus the number of the signal that ended it; nil where it still runs.
    func wait(seconds: Int) -> Int32? {
        for _ in 0..<(seconds * 100) where status == nil {
            var raw: Int32 = 0
            if waitpid(pid, &raw, WNOHANG) == pid {
                status = raw & 0x7F == 0 ? raw >> 8 & 0xFF : -(raw & 0x7F)
            } else {
                usleep(10_000)
            }
        }
        return status
    }
}
