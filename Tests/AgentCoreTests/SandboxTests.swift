import FleetModel
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

/// One attempt to change something, and where it is made.
struct Escape: Sendable, CustomTestStringConvertible {
    let name: String
    /// `FILE`, `NEW`, `DIRECTORY`, `PROCESS`, `SOCKET`, or what it is made on.
    let target: String
    let expected: String
    /// What it gives outside the sandbox, which shows that the attempt is one.
    let control: String

    init(
        _ name: String, _ target: String, _ expected: String = "EPERM", control: String = "done"
    ) {
        self.name = name
        self.target = target
        self.expected = expected
        self.control = control
    }

    var testDescription: String { "\(name) \(target)" }
}

/// Everything an attempt may be made on; made anew for each.
private final class Targets {
    let directory: TemporaryDirectory
    let process: pid_t
    let socket: Int32

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("file", "content")
        mkdir(directory.path("directory"), 0o755)
        process = try ProcessRunner.spawn(
            ProgramCall("/bin/sleep", ["300"]), stdio: [-1, -1, -1])
        socket = try Targets.listen(directory.path("socket"))
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        close(socket)
    }

    private static func listen(_ path: String) throws -> Int32 {
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try check(bound, "bind", path)
        try check(Glibc.listen(number, 5), "listen", path)
        return number
    }

    func resolve(_ target: String) -> String {
        let meanings = [
            ("PROCESS", String(process)), ("FILE", directory.path("file")),
            ("NEW", directory.path("new")), ("DIRECTORY", directory.path("directory")),
            ("SOCKET", directory.path("socket")),
        ]
        return meanings.reduce(target) { text, meaning in
            let parts = text.split(separator: meaning.0, omittingEmptySubsequences: false)
            return parts.joined(separator: meaning.1)
        }
    }

    var isProcessAlive: Bool { ProcessTable.state(of: process) == "S" }

    var names: [String] { (try? LocalMachine().list(directory.path)) ?? [] }
}

private func attempt(_ layer: String, _ escape: Escape, _ targets: Targets) throws
    -> String
{
    let result = try ProcessRunner.run(
        ProgramCall(
            try BuiltProgram.path("AgentTestTool"),
            ["escape", layer, escape.name, targets.resolve(escape.target)]))
    #expect(result.errorText == "")
    return result.outputText.filter { $0 != "\n" }
}

@Suite("The sandbox: the worker cannot", .timeLimit(.minutes(5)))
struct WorkerSandboxTests {
    static let escapes = [
        Escape("create", "NEW"), Escape("write", "FILE"), Escape("read-write", "FILE"),
        Escape("append", "FILE"), Escape("truncating-read", "FILE"),
        Escape("nameless", "DIRECTORY"), Escape("openat2", "FILE", "ENOSYS"),
        Escape("unlink", "FILE"), Escape("rename", "FILE"), Escape("mkdir", "NEW"),
        Escape("chmod", "FILE"), Escape("chown", "FILE"), Escape("truncate", "FILE"),
        Escape("symlink", "FILE"), Escape("link", "FILE"), Escape("mknod", "NEW"),
        Escape("utimes", "FILE"), Escape("setxattr", "FILE"), Escape("setflags", "FILE"),
        Escape("write", "/proc/sys/vm/swappiness"), Escape("write", "/sys/kernel/uevent_helper"),
        Escape("write", "/proc/PROCESS/rootFILE"), Escape("write", "/proc/PROCESS/mem"),
        Escape("remount", "/"), Escape("mount", "DIRECTORY"), Escape("umount", "/proc"),
        Escape("unshare", ""), Escape("setns", "/proc/PROCESS/ns/mnt"), Escape("kill", "PROCESS"),
        Escape("kill-thread", "PROCESS"), Escape("kill-queue", "PROCESS"),
        Escape("kill-by-descriptor", "PROCESS"), Escape("ptrace", "PROCESS"),
        Escape("module", "", control: "8"), Escape("connect", "SOCKET"), Escape("socket", ""),
        Escape("exec", "/bin/true", control: ""), Escape("fork", ""),
        Escape("terminal-input", "", control: "25"), Escape("sethostname", ""),
        Escape("settime", "", control: "22"), Escape("add-key", ""),
        Escape("bpf", "", control: "22"), Escape("swapoff", "/nowhere", control: "ENOENT"),
        Escape("set-owner-of-signals", "1"), Escape("affinity", ""), Escape("raise-limit", ""),
        Escape("write-memory", "PROCESS", control: "14"),
    ]

    @Test("change anything by a call of its own", arguments: escapes)
    func refused(_ escape: Escape) throws {
        let control = try attempt("none", escape, try Targets())
        // A kernel without the feature proves nothing either way.
        if control != "ENOSYS" && escape.target != "/sys/kernel/uevent_helper" {
            #expect(control == escape.control, "outside the sandbox")
        }
        let targets = try Targets()
        #expect(try attempt("reader", escape, targets) == escape.expected)
        #expect(targets.isProcessAlive)
        #expect(targets.names == ["directory", "file", "socket"])
        #expect(try targets.directory.read("file") == "content")
    }

    @Test("read a raw disk, nor write to it")
    func rawDisk() throws {
        let targets = try Targets()
        let node = targets.directory.path("disk")
        // The first loop device: block major 7, minor 0.
        #expect(mknod(node, S_IFBLK | 0o660, 7 << 8) == 0)
        for name in ["read", "write", "read-write"] {
            let escape = Escape(name, node)
            #expect(try attempt("mounts", escape, targets) == "EACCES")
            #expect(try attempt("none", escape, targets) != "EACCES")
            #expect(
                try attempt("reader", escape, targets) == (name == "read" ? "EACCES" : "EPERM"))
        }
    }

    @Test("The mounts alone hold against root", arguments: ["mounts", "mounts-remounted"])
    func mountsAlone(_ layer: String) throws {
        for escape in [
            Escape("create", "NEW", "EROFS"), Escape("write", "FILE", "EROFS"),
            Escape("unlink", "FILE", "EROFS"), Escape("rename", "FILE", "EROFS"),
            Escape("mkdir", "NEW", "EROFS"), Escape("chmod", "FILE", "EROFS"),
            Escape("mknod", "NEW", "EROFS"), Escape("setxattr", "FILE", "EROFS"),
            Escape("write", "/proc/sys/vm/swappiness", "EROFS"),
            Escape("write", "/sys/power/state", "EROFS"),
            // What programs cannot do without.
            Escape("write", "/dev/null", "done"), Escape("read", "/dev/urandom", "done"),
        ] {
            let targets = try Targets()
            let found = try attempt(layer, escape, targets)
            #expect(
                found == escape.expected || found == "ENOENT" && escape.target.hasPrefix("/sys"),
                "\(escape.testDescription)")
        }
    }
}

@Suite("The sandbox: programs of a check cannot", .timeLimit(.minutes(5)))
struct ProgramSandboxTests {
    /// The exit of a shell line run as the check of a command, through a real agent.
    private func outcome(_ line: String) throws -> (status: Int32?, reason: String) {
        try withTemporaryDirectory { directory in
            // The status comes as the outcome: 0, 1, or what the reason names.
            let run = try runAgent(
                directory + "/state",
                Plan(
                    host: "h",
                    resources: [command("x", check: ["/bin/sh", "-c", line + "\nexit $?"])]),
                .check)
            let report = try #require(run.resources.first, "\(String(describing: run.fault))")
            switch report.outcome {
            case .asDeclared: return (0, report.reason)
            case .wouldChange: return (1, report.reason)
            default: return (nil, report.reason)
            }
        }
    }

    @Test(
        "run what needs no right to write",
        arguments: [
            "true", "echo x > /dev/null", "cat /etc/shadow > /dev/null", "test -d /tmp",
            "head -c 8 /dev/urandom > /dev/null", "getent passwd root > /dev/null",
            "echo x > /tmp/own && test \"$(cat /tmp/own)\" = x && sort < /tmp/own > /tmp/sorted",
            "ls /root > /dev/null", "sleep 30 & kill $!",
        ])
    func allowed(_ line: String) throws {
        let (status, reason) = try outcome(line)
        #expect(status == 0, "\(line): \(reason)")
    }

    @Test(
        "change the host",
        arguments: [
            "touch /etc/muster-escaped", "touch /var/tmp/muster-escaped", "rm -f /etc/hostname",
            "echo 1 > /proc/sys/vm/swappiness", "echo 1 > /sys/kernel/profiling",
            "mount -o remount,rw /", "mount -t tmpfs none /mnt", "umount /proc",
            "mknod /tmp/null c 1 3", "unshare -r true", "unshare -m true",
            "nsenter -t 1 -m true", "chroot / true", "hostname muster-escaped",
            "dmesg -C", "su -s /bin/sh -c true root < /dev/null", "echo x > /proc/1/root/etc/motd",
            "setpriv --reuid 0 true", "touch /dev/shm/muster-escaped", "date -s @0",
        ])
    func refused(_ line: String) throws {
        let (status, _) = try outcome("(\(line)) 2>/dev/null")
        #expect(status != 0, "\(line)")
        for path in ["/etc", "/var/tmp", "/dev/shm"] {
            #expect(access(path + "/muster-escaped", F_OK) != 0)
        }
    }

    @Test("leave anything in the host's /tmp")
    func privateTemporary() throws {
        let name = "/tmp/muster-leak-\(getpid())"
        #expect(try outcome("touch \(name)").status == 0)
        #expect(access(name, F_OK) != 0)
    }

    @Test("signal a process of the host")
    func signals() throws {
        let pid = try ProcessRunner.spawn(
            ProgramCall(
                "/bin/sleep", ["300"],
                identity: ChildIdentity(uid: Sandbox.nobody, gid: Sandbox.nobody)),
            stdio: [-1, -1, -1])
        defer {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        // Even one of the same user: its number is not theirs to see.
        #expect(try outcome("kill -TERM \(pid) 2>/dev/null").status == 1)
        #expect(ProcessTable.state(of: pid) == "S")
    }

    @Test("leave a process behind")
    func strays() throws {
        _ = try outcome("setsid sleep 7654 > /dev/null 2>&1 < /dev/null &")
        try waitFor { try !isRunning("sleep 7654") }
    }

    @Test("gain from a set-user-id program")
    func setUserID() throws {
        // Not below /tmp, which programs of a check see empty.
        let directory = "/var/tmp/muster-test-\(getpid())"
        mkdir(directory, 0o755)
        defer { removeTree(directory) }
        do {
            let program = directory + "/touch"
            let content = try LocalMachine().read("/bin/touch", limit: 64 << 20)
            try LocalMachine().replaceFile(program, content: content, mode: 0o4755, uid: 0, gid: 0)
            let control = try ProcessRunner.run(
                ProgramCall(
                    program, [directory + "/control"],
                    identity: ChildIdentity(uid: Sandbox.nobody, gid: Sandbox.nobody)))
            #expect(control.succeeded, "the file systems of the tests must allow set-user-id")
            #expect(try outcome("\(program) \(directory)/escaped 2>/dev/null").status == 1)
            #expect(access(directory + "/escaped", F_OK) != 0)
        }
    }

    @Test("log in as root over ssh with root's key")
    func ssh() throws {
        let server = try SSHServer()
        let words = [
            "/usr/bin/ssh", "-i", server.clientKey, "-p", String(server.port), "-o",
            "UserKnownHostsFile=\(server.knownHosts)", "-o", "BatchMode=yes", "-o",
            "ConnectTimeout=5", "root@127.0.0.1", "true",
        ]
        let control = try ProcessRunner.run(ProgramCall(words[0], Array(words.dropFirst())))
        #expect(control.succeeded, "\(control.errorText)")
        // It can read the key: it is the network that is not there.
        let key = "/root/.muster-test-key-\(getpid())"
        try LocalMachine().replaceFile(
            key, content: try LocalMachine().read(server.clientKey, limit: 10_000), mode: 0o600,
            uid: 0, gid: 0)
        defer { unlink(key) }
        #expect(try outcome("cat \(key) > /dev/null").status == 0)
        let line = words.map { $0 == server.clientKey ? key : $0 }.joined(separator: " ")
        let (status, reason) = try outcome(line)
        #expect(status == nil)
        #expect(reason.contains("Operation not permitted"), "\(reason)")
    }

    @Test("see which user they are: nobody, with the right to read")
    func identity() throws {
        #expect(try outcome("test \"$(id -u):$(id -g):$(id -G)\" = 65534:65534:65534").status == 0)
        let line = "grep -q '^CapEff:.*0000000000000004$' /proc/self/status"
        #expect(try outcome(line).status == 0)
        #expect(try outcome("grep -q '^CapBnd:.*0000000000000004$' /proc/self/status").status == 0)
        #expect(try outcome("grep -q '^NoNewPrivs:.1$' /proc/self/status").status == 0)
    }
}
