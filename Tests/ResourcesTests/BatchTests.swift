import FleetModel
import Glibc
import Kinds
import Linux
import Resources
import SystemFaults
import TestSupport
import Testing
import Wire

/// All resources of a kind are read together: what is common is read once.
@Suite struct BatchTests {
    private func host(_ machine: FakeMachine) -> Host {
        Host(
            machine: machine,
            blob: { (_) throws(AgentFault) in [] },
            keep: { (content) throws(AgentFault) in Digest(of: content) })
    }

    private func reads(_ path: String, _ machine: FakeMachine) -> Int {
        machine.calls.filter { $0.name == "read" && $0.object == path }.count
    }

    @Test func filesShareTheAccountsAndOneGetent() throws {
        let machine = try FakeMachine(
            tree: ["/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n"],
            programs: [["run": ["/usr/bin/getent"], "answers": [["status": 2]]]])
        let files = try (0..<120).map { index in
            machine.put("/etc/f\(index)", text: "x")
            return try FileDeclaration(
                name: "/etc/f\(index)",
                attributes: [
                    "content_digest": .string(Digest(of: "x".utf8).description),
                    "content_size": 1, "owner": .string(index % 2 == 0 ? "root" : "user\(index)"),
                ])
        }
        let results = FileBehaviour.observe(files, on: host(machine))
        #expect(results.count == 120)
        #expect(reads("/etc/passwd", machine) == 1 && reads("/etc/group", machine) == 1)
        #expect(machine.calls.filter { $0.name == "run" }.count == 1)
        #expect(machine.calls.count <= 3 + 2 * 120)
    }

    @Test func aFileOfAnotherSizeIsNotRead() throws {
        let machine = FakeMachine()
        machine.put("/etc/a", text: "other size")
        let file = try FileDeclaration(
            name: "/etc/a",
            attributes: [
                "content_digest": .string(Digest(of: "x".utf8).description), "content_size": 1,
            ])
        _ = FileBehaviour.observe([file], on: host(machine))
        #expect(reads("/etc/a", machine) == 0)
    }

    @Test func linesOfOneFileReadItOnce() throws {
        let machine = FakeMachine()
        machine.put("/etc/hosts", text: "a\nb\n")
        let lines = try ["a", "b", "c"].map {
            try LineDeclaration(name: $0, attributes: ["path": "/etc/hosts", "text": .string($0)])
        }
        let results = LineBehaviour.observe(lines, on: host(machine))
        #expect(reads("/etc/hosts", machine) == 1)
        let differences = try zip(lines, results).map { LineBehaviour.diff($0, try $1.get()) }
        #expect(differences[0] == .asDeclared("the line exists"))
        #expect(differences[2] == .changes([Change("text", before: nil, after: "c")]))
    }

    /// Two resources of one file, observed together and applied one after the other.
    @Test func resourcesThatShareAFileKeepEachOthersLines() throws {
        let machine = FakeMachine()
        machine.put("/etc/hosts", text: "a\n")
        let host = host(machine)
        let lines = try ["b", "c"].map {
            try LineDeclaration(name: $0, attributes: ["path": "/etc/hosts", "text": .string($0)])
        }
        for (line, observation) in zip(lines, LineBehaviour.observe(lines, on: host)) {
            try LineBehaviour.apply(line, try observation.get(), changes: [], on: host)
        }
        #expect(machine.text("/etc/hosts") == "a\nb\nc\n")

        let keys = ["vm.swappiness", "kernel.pid_max"]
        for key in keys { machine.put(SysctlKey(key).procPath, text: "1\n") }
        let sysctls = try keys.map {
            try SysctlDeclaration(name: $0, attributes: ["value": "5"])
        }
        for (sysctl, observed) in zip(sysctls, SysctlBehaviour.observe(sysctls, on: host)) {
            let observation = try observed.get()
            guard case .changes(let changes) = SysctlBehaviour.diff(sysctl, observation) else {
                Issue.record("no changes")
                return
            }
            try SysctlBehaviour.apply(sysctl, observation, changes: changes, on: host)
        }
        for observed in SysctlBehaviour.observe(sysctls, on: host) {
            #expect(try observed.get().running == .value("5"))
        }
        let own = machine.text("/etc/sysctl.d/90-muster.conf") ?? ""
        #expect(own.hasSuffix("vm.swappiness = 5\nkernel.pid_max = 5\n"))
    }

    @Test func parametersShareTheFiles() throws {
        let machine = FakeMachine()
        machine.put("/usr/lib/sysctl.d/50-a.conf", text: "vm.swappiness = 1\n")
        let sysctls = try (0..<40).map {
            try SysctlDeclaration(name: "vm.key\($0)", attributes: ["value": "1"])
        }
        _ = SysctlBehaviour.observe(sysctls, on: host(machine))
        #expect(reads("/usr/lib/sysctl.d/50-a.conf", machine) == 1)
        #expect(machine.calls.count <= 10 + 40)
    }
}

/// What the kernel answers, in words with a way out.
@Suite struct SystemFaultTests {
    private static let cases: [(Int32, String, String)] = [
        (ENOSPC, "no-space", "free space on the file system that holds /etc/x"),
        (EDQUOT, "no-space", "the disk quota is used up; free space or raise the quota"),
        (
            EROFS, "read-only",
            "the file system is mounted read-only; remount it or choose another path"
        ),
        (
            EPERM, "not-permitted",
            "it may be immutable: lsattr /etc/x shows an i, chattr -i removes it"
        ),
        (EIO, "io-error", "the disk or the file system has a fault: see dmesg"),
        (EBUSY, "busy", "something uses it, such as a mount"),
        (ELOOP, "loop", "symbolic links lead in a circle"),
    ]

    @Test(arguments: cases.indices)
    func saysWhatToDo(_ index: Int) {
        let (code, name, hint) = SystemFaultTests.cases[index]
        let fault = AgentFault(
            "write /etc/x", SystemError(call: "open", object: "/etc/x", code: code))
        #expect(fault.code == name)
        #expect(fault.hint == hint)
        #expect(fault.text == "cannot write /etc/x: \(SystemError.text(of: code))")
    }
}
