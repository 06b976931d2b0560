import Glibc
import Linux
import TestSupport
import Testing

/// What Scripts/lab promises to those who build on it.
///
/// Each test raises a lab of its own, one after the other: they wait for programs, and would hold
/// all threads that tests run on.
@Suite("Scripts/lab", .serialized, .timeLimit(.minutes(10)))
struct LabScriptTests {
    @Test(
        "wrong usage says what is wrong, and ends with 64",
        arguments: [
            ([], "no verb given"),
            (["raise"], "unknown verb: raise"),
            (["up"], "expected: up N"),
            (["up", "none"], "not a number of hosts"),
            (["up", "0"], "not a number of hosts"),
            (["up", "4000"], "not a number of hosts"),
            (["up", "1", "--heavy"], "unknown option: --heavy"),
            (["list", "--name", "../etc"], "not a name for a lab"),
            (["exec", "lab-1"], "expected: exec HOST -- COMMAND"),
        ])
    func wrongUsage(arguments: [String], complaint: String) throws {
        let result = try LabScript(name: nil).run(arguments)
        #expect(result.end == .exited(64))
        #expect(result.errorText.contains(complaint))
    }

    @Test("raising twice changes nothing, raising more adds, and taking down leaves nothing")
    func idempotent() throws {
        let lab = try LabScript(name: "ta\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "2", "--light"]).errorText.contains("2 of them started"))
        #expect(try lab.run(["up", "2", "--light"]).errorText.contains("0 of them started"))
        #expect(try lab.run(["up", "3", "--light"]).errorText.contains("1 of them started"))
        #expect(try lab.states() == ["running", "running", "running"])
        #expect(
            try lab.run(["exec", "\(lab.name)-3", "--", "hostname"]).outputText == "\(lab.name)-3\n"
        )
        #expect(lab.traces().count == 3)

        #expect(try lab.run(["down"]).succeeded)
        #expect(lab.traces() == [])
        #expect(try lab.run(["down"]).succeeded)
        #expect(
            try lab.run(["exec", "\(lab.name)-1", "--", "true"]).errorText.contains("is not up"))
    }

    @Test("a command's arguments arrive as they are, and its exit status comes back")
    func execution() throws {
        let lab = try LabScript(name: "tb\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "1", "--light"]).succeeded)
        let host = "\(lab.name)-1"
        let awkward = ["a b", "", "$HOME", "it's", "*", "\"quoted\"", "two\nlines"]
        let echoed = try lab.run(["exec", host, "--", "printf", "[%s]"] + awkward)
        #expect(echoed.outputText == awkward.map { "[\($0)]" }.joined())
        #expect(try lab.run(["exec", host, "--", "sh", "-c", "exit 7"]).end == .exited(7))
        #expect(
            try lab.run(["exec", "nobody", "--", "true"]).errorText.contains("has no host 'nobody'")
        )
    }

    @Test("a host that died starts again with its files")
    func hostDies() throws {
        let lab = try LabScript(name: "tc\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "2", "--light"]).succeeded)
        let host = "\(lab.name)-2"
        #expect(try lab.run(["exec", host, "--", "touch", "/etc/here"]).succeeded)
        let record = try LocalMachine().read("\(lab.folder)/hosts/\(host)/process", limit: 100)
        let words = String(decoding: record, as: UTF8.self).split(separator: " ")
        let pid = try #require(words.first.flatMap { pid_t($0) })
        #expect(kill(pid, SIGKILL) == 0)
        try wait("the host is gone") { try lab.states() == ["running", "stopped"] }
        #expect(try lab.run(["up", "2", "--light"]).errorText.contains("1 of them started"))
        #expect(try lab.run(["exec", host, "--", "ls", "/etc/here"]).outputText == "/etc/here\n")
    }

    @Test("what an interrupted start left is taken down")
    func interrupted() throws {
        let lab = try LabScript(name: "td\(getpid())")
        defer { lab.takeDown() }
        // Makes the root file system where it is not there yet: that is not what is interrupted here.
        #expect(try lab.run(["up", "1", "--light"]).succeeded)
        #expect(try lab.run(["down"]).succeeded)
        let starting = try ProcessRunner.spawn(
            lab.call(["up", "20", "--light"]), stdio: [-1, -1, -1])
        try wait("the first hosts have begun") {
            try !lab.states().filter { $0 == "running" }.isEmpty
        }
        #expect(kill(starting, SIGKILL) == 0)
        #expect(waitpid(starting, nil, 0) == starting)
        #expect(!lab.traces().isEmpty)
        #expect(try lab.run(["down"]).succeeded)
        #expect(lab.traces() == [])
    }

    @Test("a container host has a systemd, an apt and network settings of its own, and no others")
    func container() throws {
        let lab = try LabScript(name: "te\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "1"]).succeeded)
        func onHost(_ command: String) throws -> ProgramResult {
            try lab.run(["exec", "\(lab.name)-1", "--", "sh", "-c", command])
        }
        #expect(try onHost("systemctl is-system-running").outputText == "running\n")
        #expect(try onHost("apt-get update && apt-get install --yes muster-demo=1.0-1").succeeded)
        #expect(try onHost("muster-demo --version").outputText == "muster-demo 1.0-1\n")
        #expect(try onHost("systemctl is-active muster-demo").outputText == "active\n")
        #expect(try onHost("echo 1 >/proc/sys/net/ipv4/ip_forward").succeeded)
        #expect(try onHost("echo 1 >/proc/sys/vm/swappiness").errorText.contains("Read-only"))
        #expect(try onHost("mknod /root/disk b 254 0").errorText.contains("not permitted"))
        #expect(try onHost("sudo -nu ops sudo -n id -un").outputText == "root\n")
        #expect(try !onHost("sudo -nu nosudo sudo -n true").succeeded)

        _ = try onHost("systemctl reboot")
        try wait("it is back from a reboot") {
            try onHost("systemctl is-system-running").outputText == "running\n"
        }
        #expect(try onHost("systemctl is-active muster-demo").outputText == "active\n")
    }

    /// Asks until the answer is yes, for a minute at most.
    private func wait(_ what: Comment, until holds: () throws -> Bool) throws {
        let deadline = Clock.monotonicSeconds() + 60
        while try !holds() {
            try #require(Clock.monotonicSeconds() < deadline, what)
            usleep(100_000)
        }
    }
}

/// Scripts/lab, for one lab.
struct LabScript {
    let name: String
    /// Where the lab keeps its files.
    let folder: String
    private let named: Bool

    init(name: String?) throws {
        self.name = name ?? "lab"
        named = name != nil
        let base = getenv("MUSTER_LAB_DIR").map { String(cString: $0) }
        folder = "\(base ?? Repository.root + "/.cache/lab")/run/\(self.name)"
    }

    func call(_ arguments: [String]) -> ProgramCall {
        var environment = ProgramCall.plainEnvironment
        if let base = getenv("MUSTER_LAB_DIR") {
            environment.append("MUSTER_LAB_DIR=\(String(cString: base))")
        }
        return ProgramCall(
            "\(Repository.root)/Scripts/lab", (named ? ["--name", name] : []) + arguments,
            environment: environment, timeoutSeconds: 500)
    }

    func run(_ arguments: [String]) throws -> ProgramResult {
        try ProcessRunner.run(call(arguments))
    }

    func takeDown() { _ = try? run(["down"]) }

    /// `running` or `stopped`, for each host in order.
    func states() throws -> [String] {
        try run(["list"]).outputText.split(separator: "\n").compactMap {
            $0.split(separator: " ").last.map(String.init)
        }
    }

    /// What there is of the lab on this machine besides its hosts' insides: its folder, its bridge,
    /// processes that name it, described so that a failure says what was left.
    func traces() -> [String] {
        let machine = LocalMachine()
        var found: [String] = []
        if (try? machine.status(folder, followLinks: false)) != nil { found.append(folder) }
        for interface in (try? machine.list("/sys/class/net")) ?? [] {
            let alias = try? machine.read("/sys/class/net/\(interface)/ifalias", limit: 4096)
            if let alias, String(decoding: alias, as: UTF8.self) == folder + "\n" {
                found.append("interface \(interface)")
            }
        }
        let processes = (try? machine.list("/proc"))?.filter { pid_t($0) != nil } ?? []
        let holding = processes.filter { process in
            let line = (try? machine.read("/proc/\(process)/cmdline", limit: 1 << 16)) ?? []
            return String(decoding: line, as: UTF8.self).contains(folder + "/hosts")
        }
        if !holding.isEmpty { found.append("processes") }
        return found
    }
}
