import Glibc
import Linux
import TestSupport
import Testing

/// Hosts that misbehave, beside one that does not, as `muster check` meets them.
///
/// Each is named with a cause and a way out, has the right exit code, and disturbs nobody else.
@Suite("Bad hosts", .serialized, .timeLimit(.minutes(5)))
struct BadHostTests {
    /// A fleet of one file over a lab of light hosts, written anew for each case.
    private struct BadFleet {
        let folder: TemporaryDirectory
        let lab: LabScript

        init(on lab: LabScript) throws {
            folder = try TemporaryDirectory()
            self.lab = lab
            try write("Inventory/site.yaml", "- hosts: all\n  roles: [one]\n")
            try write(
                "Roles/one/role.yaml", "resources:\n  - file: /etc/one\n    content: \"1\\n\"\n")
        }

        func write(_ path: String, _ text: String) throws {
            let path = folder.path(path)
            _ = try ProcessRunner.run(ProgramCall("/bin/mkdir", ["-p", PathName.parent(of: path)]))
            try LocalMachine().replaceFile(
                path, content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
        }

        /// Writes the inventory: `good`, and the hosts given; each has the address of a lab host.
        func declare(_ hosts: [String: String], settings: String = "") throws {
            let addresses = try lab.run(["list"]).outputText.split(separator: "\n").compactMap {
                $0.split(separator: " ").first { $0.hasPrefix("10.") }.map(String.init)
            }
            try #require(addresses.count == 2, "\(addresses)")
            var text = "all:\n  hosts:\n    good: {ansible_host: \(addresses[1])}\n"
            for (name, variables) in hosts.sorted(by: { $0.key < $1.key }) {
                let own = variables.contains("ansible_host") ? "" : "ansible_host: \(addresses[0])"
                let all = [own, variables].filter { !$0.isEmpty }.joined(separator: ", ")
                text += "    \(name): {\(all)}\n"
            }
            text += "  vars:\n    ansible_user: root\n"
            text += "    ansible_ssh_private_key_file: \(lab.folder)/key\n"
            try write("Inventory/hosts.yaml", text)
            try write(
                "Inventory/settings.yaml",
                "ssh: {config: none, connect_timeout: 2s, known_hosts: \(lab.folder)/known_hosts}\n"
                    + settings)
        }

        func muster(_ arguments: String...) throws -> (status: Int32, text: String) {
            let environment = ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") }
            let result = try ProcessRunner.run(
                ProgramCall(
                    BuiltProgram.muster, arguments + ["--fleet", folder.path],
                    environment: environment + ["HOME=\(folder.path)"], timeoutSeconds: 60))
            guard case .exited(let status) = result.end else { return (-1, result.endText) }
            return (status, result.outputText + result.errorText)
        }

        /// Runs a command on the host that is to be bad.
        func spoil(_ command: String) throws {
            let result = try lab.run(["exec", "\(lab.name)-1", "--", "sh", "-c", command])
            try #require(result.succeeded, "\(command): \(result.errorText)")
        }
    }

    private func withFleet(
        _ name: String, kind: [String] = ["--light"], _ body: (BadFleet) throws -> Void
    ) throws {
        let lab = try LabScript(name: "\(name)\(getpid())")
        defer { lab.takeDown() }
        try #require(try lab.run(["up", "2"] + kind).succeeded)
        let fleet = try BadFleet(on: lab)
        try fleet.declare(["bad": ""])
        let first = try fleet.muster("apply", "--yes")
        try #require(first.status == 0, "\(first.text)")
        try body(fleet)
        // Nothing was lost, whatever went before.
        try fleet.declare(["bad": ""])
        let last = try fleet.muster("check")
        #expect(last.status == 0, "\(last.text)")
    }

    private func expect(
        _ answer: (status: Int32, text: String), _ status: Int32, _ texts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
        for text in texts {
            #expect(
                answer.text.contains(text), "\(text) is not in:\n\(answer.text)",
                sourceLocation: sourceLocation)
        }
        // Hosts that fare alike share a line: only beside another does the good one stand alone.
        #expect(
            answer.text.contains(status == 0 ? "2 as declared" : "good  as declared"),
            "\(answer.text)", sourceLocation: sourceLocation)
    }

    @Test("hosts that cannot be reached are told apart, and the others go on")
    func unreachable() throws {
        try withFleet("tm") { fleet in
            let silent = try Listener()
            let rubbish = try FakeServer {
                try? $0.writeAll(Array("HTTP/1.1 400 Bad\r\n\r\n".utf8))
            }
            let drops = try FakeServer { _ in }
            let closed = try Listener().port
            func local(_ port: Int) -> String { "ansible_host: 127.0.0.1, ansible_port: \(port)" }
            try fleet.declare([
                "refuses": local(closed), "silent": local(silent.port),
                "rubbish": local(rubbish.port), "drops": local(drops.port),
                "nameless": "ansible_host: no-such-host.invalid",
            ])
            let answer = try fleet.muster("check")
            expect(
                answer, 3,
                [
                    "connection refused", "(ansible_port)?", "waiting for the server's greeting",
                    "this is not an SSH server; it sent \"HTTP/1.1 400 Bad\"",
                    "closed the connection before its greeting", "MaxStartups",
                    "its name cannot be resolved", "5 unreachable",
                ])
        }
    }

    @Test("a changed host key is refused with both fingerprints")
    func changedKey() throws {
        try withFleet("tn") { fleet in
            let known = fleet.lab.folder + "/known_hosts"
            let text = try LocalMachine().textIfPresent(known) ?? ""
            defer { try? LocalMachine().writeInPlace(known, Array(text.utf8)) }
            // The two hosts' keys change places: known, and of another.
            let lines = text.split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            }
            let keys = lines.map { $0[2] }
            let other = Dictionary(
                keys.map { key in (key, keys.first { $0 != key } ?? key) },
                uniquingKeysWith: { first, _ in first })
            let bad = try fleet.lab.run(["list"]).outputText.split(separator: "\n")[0]
                .split(separator: " ").first { $0.hasPrefix("10.") }
            let address = try #require(bad.map(String.init))
            let swapped = lines.map { line in
                line[0].contains(address)
                    ? "\(line[0]) \(line[1]) \(other[line[2]] ?? "")" : line.joined(separator: " ")
            }
            try LocalMachine().writeInPlace(
                known, Array((swapped.joined(separator: "\n") + "\n").utf8))
            expect(try fleet.muster("check"), 3, ["host key", "SHA256:", "hint:"])
        }
    }

    @Test("an agent that was damaged on the host is found out and sent again")
    func damagedAgent() throws {
        try withFleet("to") { fleet in
            for damage in [
                "truncate -s 100000 $f", ": >$f", "printf '#!/bin/sh\\necho hello\\n' >$f",
                "printf '#!/bin/sh\\nexit 3\\n' >$f", "rm $f", "chmod 600 $f",
            ] {
                try fleet.spoil("for f in /var/lib/muster/bin/*; do \(damage); done")
                expect(try fleet.muster("check"), 0, ["the agent was sent"])
            }
        }
    }

    @Test("a program that floods where the agent should be is given up at once")
    func flood() throws {
        try withFleet("tp") { fleet in
            try fleet.spoil(
                "for f in /var/lib/muster/bin/*; do printf '#!/bin/sh\\nyes\\n' >$f; done")
            expect(try fleet.muster("check"), 1, ["something else answered: y", "hint:"])
            try fleet.spoil("rm /var/lib/muster/bin/*")
        }
    }

    @Test(
        "a directory that cannot hold the agent is named with what is wrong",
        arguments: [
            ("size=1m", "No space left on device", "free space"),
            ("ro", "Read-only file system", "remount it, or set agent_dir"),
            ("noexec", "it may not be executed there", "not mounted noexec"),
        ])
    func agentDirectory(option: String, cause: String, hint: String) throws {
        try withFleet("tq") { fleet in
            try fleet.spoil("mkdir /mnt/agents; mount -t tmpfs -o \(option) none /mnt/agents")
            // The good host has no mount there.
            try fleet.declare(["bad": ""], settings: "agent_dir: /mnt/agents/muster\n")
            let answer = try fleet.muster("check")
            expect(answer, 1, [cause, hint, "1 failed"])
        }
    }

    @Test("a shell that prints is listened past")
    func banner() throws {
        try withFleet("tr") { fleet in
            try fleet.spoil(
                "printf 'echo All access is logged.\\necho noise >&2\\n' | tee /root/.bashrc >/etc/ssh/sshrc"
            )
            expect(try fleet.muster("check"), 0, [])
        }
    }

    /// On hosts with systemd: their root lacks what raises a limit that sudo has lowered.
    @Test("a user without the right to sudo is named, one with it works")
    func sudo() throws {
        try withFleet("ts", kind: []) { fleet in
            try fleet.declare(["denied": "ansible_user: nosudo", "may": "ansible_user: ops"])
            let answer = try fleet.muster("check")
            #expect(answer.status == 1, "\(answer.text)")
            for text in [
                "become root by sudo -n as nosudo", "let nosudo run sudo without a password",
                "2 as declared, 1 failed",
            ] {
                #expect(answer.text.contains(text), "\(text) is not in:\n\(answer.text)")
            }
        }
    }

    @Test("a connection that drops in the middle of a run is that host's alone")
    func drops() throws {
        try withFleet("tv") { fleet in
            // The session dies while the agent waits for a check that takes its time.
            try fleet.spoil(
                "for f in /var/lib/muster/bin/*; do mv $f /root/agent; "
                    + "printf '#!/bin/sh\\n(sleep 1; pkill -9 -f \"^sshd: root\") &\\n"
                    + "exec /root/agent \"$@\"\\n' >$f; chmod 700 $f; done")
            let role = "Roles/one/role.yaml"
            let first = "resources:\n  - file: /etc/one\n    content: \"1\\n\"\n"
            try fleet.write(
                role,
                first + "  - command: settle\n    run: [/bin/true]\n"
                    + "    check: [/bin/sleep, \"4\"]\n")
            expect(try fleet.muster("check"), 3, ["bad", "hint:"])
            try fleet.write(role, first)
            try fleet.spoil("rm -r /var/lib/muster/bin /root/agent")
        }
    }

    @Test("a host whose agent never answers is given up when the operator asks twice")
    func hangs() throws {
        try withFleet("tu") { fleet in
            try fleet.spoil(
                "for f in /var/lib/muster/bin/*; do "
                    + "printf '#!/bin/sh\\n: >/run/begun\\nsleep 50\\n' >$f; done")
            let output = try Descriptor.pipe()
            let pid = try ProcessRunner.spawn(
                ProgramCall(BuiltProgram.muster, ["check", "--fleet", fleet.folder.path]),
                stdio: [-1, output.write.number, output.write.number])
            let begun = Clock.monotonicSeconds()
            try fleet.spoil("until [ -e /run/begun ]; do sleep 0.1; done")
            kill(pid, SIGINT)
            var said = ""
            var isAskedAgain = false
            while !said.contains("Hosts: ") {
                let piece = try output.read.read(upTo: 4_096)
                said += String(decoding: piece, as: UTF8.self)
                if piece.isEmpty { break }
                if said.contains("interrupted"), !isAskedAgain {
                    kill(pid, SIGINT)
                    isAskedAgain = true
                }
            }
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            #expect(status >> 8 == 130, "\(said)")
            #expect(said.contains("good  as declared"), "\(said)")
            #expect(Clock.monotonicSeconds() - begun < 30, "\(said)")
            try fleet.spoil("rm /var/lib/muster/bin/*")
        }
    }

    @Test("an agent of another architecture is not sent, and the one that is missing is named")
    func architecture() throws {
        try withFleet("tt") { fleet in
            // A machine that says it is another: uname answers what the shell finds first.
            try fleet.spoil("printf '#!/bin/sh\\necho riscv64\\n' >/usr/local/bin/uname")
            try fleet.spoil("chmod 755 /usr/local/bin/uname; rm /var/lib/muster/bin/*")
            expect(try fleet.muster("check"), 1, ["riscv64", "hint:"])
            try fleet.spoil("rm /usr/local/bin/uname")
        }
    }
}
