import Glibc
import Linux
import TestSupport
import Testing

/// The program itself, as a user runs it.
@Suite(.timeLimit(.minutes(3))) struct ProgramTests {
    private struct Answer {
        let status: Int32
        let output: String
        let errors: String
    }

    private func muster(_ arguments: [String], in directory: String) throws -> Answer {
        let environment =
            ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") }
            + ["HOME=\(directory)"]
        let result = try ProcessRunner.run(
            ProgramCall(
                BuiltProgram.muster, arguments, environment: environment, directory: directory,
                timeoutSeconds: 60))
        guard case .exited(let status) = result.end else {
            Issue.record("muster \(arguments) \(result.endText)")
            return Answer(status: -1, output: result.outputText, errors: result.errorText)
        }
        return Answer(status: status, output: result.outputText, errors: result.errorText)
    }

    private func withFleet(_ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            #expect(try muster(["init", "fleet"], in: directory).status == 0)
            try body(directory + "/fleet")
        }
    }

    private func write(_ text: String, _ path: String) throws {
        try LocalMachine().replaceFile(
            path, content: Array(text.utf8), mode: 0o644, uid: getuid(), gid: getgid())
    }

    @Test func aNewFleetIsValidAndCompilesToTheSameBytes() throws {
        try withFleet { fleet in
            let valid = try muster(["validate"], in: fleet)
            #expect(valid.status == 0)
            #expect(valid.output == "Valid: 2 hosts, 2 resources, 0 errors, 0 warnings.\n")
            let first = try muster(["compile", "--format", "jsonl"], in: fleet)
            #expect(first.status == 0 && first.output.contains("\"host\":\"md01\""))
            #expect(try muster(["compile", "--format", "jsonl"], in: fleet).output == first.output)
            // The folder is made; plans may hold secrets.
            #expect(try muster(["compile", "-o", "plans"], in: fleet).status == 0)
            #expect(
                try LocalMachine().list(fleet + "/plans") == ["md01.json", "md02.json"])
            #expect(try muster(["history"], in: fleet).output == "No runs yet.\n")
            let again = try muster(["init", "."], in: fleet)
            #expect(again.status == 5 && again.errors.contains("exists already"))
        }
    }

    /// A store that cannot be read is no store without facts.
    @Test func verbsThatContactNobodySayThatTheStoreIsDamaged() throws {
        try withFleet { fleet in
            let store = fleet + "/.muster/state.db"
            #expect(mkdir(fleet + "/.muster", 0o700) == 0)
            #expect(try muster(["validate"], in: fleet).status == 0)
            try write(String(repeating: "not a database ", count: 100), store)
            for words in [
                ["validate"], ["compile"], ["explain", "md01", "banner"], ["isolation", "md01"],
            ] {
                let answer = try muster(words, in: fleet)
                #expect(answer.status == 1, "\(words): \(answer.output)")
                #expect(answer.errors.contains("file is not a database"), "\(answer.errors)")
                #expect(!answer.output.contains("Valid"))
            }
            unlink(store)
            #expect(try muster(["validate"], in: fleet).status == 0)
        }
    }

    struct Mistake: Sendable, CustomStringConvertible {
        let arguments: [String]
        var file: (path: String, text: String)?
        let status: Int32
        let says: [String]

        var description: String { arguments.joined(separator: " ") + (file?.path ?? "") }
    }

    /// Facts of two nodes of two cores, as `muster facts --format json` prints them.
    private static let facts = """
        {"format_version": 1, "hardware": {"hostname": "box", "cpu": {"online": "0-7",
        "siblings": ["0,4", "1,5", "2,6", "3,7"], "packages": {"0": "0-1,4-5", "1": "2-3,6-7"}},
        "numa": {"0": {"cpus": "0-1,4-5"}, "1": {"cpus": "2-3,6-7"}},
        "nics": {"ens1": {"numa_node": 1}, "ens2": {"numa_node": null}}, "unknown": {}}}
        """

    @Test func isolationShowsTheMapOfAnyMachine() throws {
        try withTemporaryDirectory { folder in
            try write(Self.facts, folder + "/facts.json")
            let text = try muster(
                ["isolation", "--facts", "facts.json", "--near", "ens1", "--smt", "park"],
                in: folder)
            #expect(text.status == 0, "\(text.errors)")
            for line in [
                "[0h 4h] [1i 5-]", "[2h 6h] [3* 7-]", "isolated      1,3,5,7", "hot           3",
                "nohz_full=1,3,5,7",
            ] {
                #expect(text.output.contains(line), "\(line)\n\(text.output)")
            }
            let json = try muster(
                ["isolation", "--facts", "facts.json", "--isolate", "node=1", "--format", "json"],
                in: folder)
            #expect(json.output.contains("\"isolated\": \"3,7\""), "\(json.output)")
        }
    }

    /// A refusal has its reason and its exit code, and prints no map.
    @Test(
        arguments: [
            (["--isolate", "0-7"], 5, "boot CPU"), (["--isolate", "9"], 5, "is not online"),
            (["--isolate", "node=7"], 5, "no NUMA node 7"),
            (["--isolate", "near=ens2"], 5, "does not report the NUMA node of ens2"),
            (["--isolate", "1"], 5, "only whole cores can be isolated"),
            (["--housekeeping-cores", "2"], 5, "no core is left to isolate"),
            (["--isolate", ""], 64, "nothing to isolate"),
            (["--housekeeping-cores", "0"], 64, "housekeeping-cores"),
        ])
    func isolationRefuses(_ arguments: [String], _ status: Int, _ says: String) throws {
        try withTemporaryDirectory { folder in
            try write(Self.facts, folder + "/facts.json")
            let answer = try muster(
                ["isolation", "--facts", "facts.json"] + arguments, in: folder)
            #expect(answer.status == Int32(status), "\(answer.errors)")
            #expect(answer.errors.contains(says), "\(answer.errors)")
            #expect(answer.output.isEmpty)
        }
    }

    static let mistakes = [
        Mistake(
            arguments: ["explain", "md01", "banner.unlikely_number_9"], status: 64,
            says: ["role banner has owner"]),
        Mistake(
            arguments: ["explain", "md01", "zzzzzz"], status: 64, says: ["its roles are banner"]),
        Mistake(arguments: ["chekc"], status: 64, says: ["no verb \"chekc\"", "\"check\""]),
        Mistake(arguments: ["check", "--dif"], status: 64, says: ["--dif", "--diff"]),
        Mistake(arguments: ["validate", "md1"], status: 64, says: ["\"md1\"", "md01"]),
        Mistake(arguments: ["validate", "--fleet", "/nowhere"], status: 65, says: ["muster init"]),
        Mistake(arguments: ["apply", "--batch", "0%"], status: 64, says: ["--batch 25%"]),
        Mistake(arguments: ["apply", "--plan", "dead"], status: 64, says: ["muster history"]),
        Mistake(arguments: ["show", "dead"], status: 64, says: ["no run dead"]),
        Mistake(arguments: ["kinds", "fil"], status: 64, says: ["\"file\""]),
        Mistake(
            arguments: ["validate"], file: ("Roles/banner/role.yaml", "resources:\n  - fil: /x\n"),
            status: 65, says: ["Roles/banner/role.yaml:2:5", "^", "file"]),
        Mistake(
            arguments: ["validate"], file: ("Inventory/hosts.yaml", "all: {hosts: [\n"),
            status: 65, says: ["Inventory/hosts.yaml:"]),
        Mistake(
            arguments: ["validate"], file: ("Inventory/settings.yaml", "limits: {fork: 3}\n"),
            status: 65, says: ["no key \"fork\"", "\"forks\""]),
        Mistake(
            arguments: ["validate"],
            file: ("Inventory/site.yaml", "- hosts: trading\n  roles: [bannr]\n"),
            status: 65, says: ["no role \"bannr\"", "banner"]),
        Mistake(
            arguments: ["validate"], file: ("Roles/banner/role.yaml", "resources: &a [*a]\n"),
            status: 65, says: ["Roles/banner/role.yaml:1:16", "contain itself", "hint:"]),
        Mistake(
            arguments: ["check"],
            file: ("Roles/banner/role.yaml", "x: " + String(repeating: "[", count: 5_000)),
            status: 65, says: ["nested deeper than 100", "hint:"]),
        Mistake(
            arguments: ["validate"],
            file: ("Roles/banner/templates/motd.j2", "Ask {{ ownr }}.\n"),
            status: 65, says: ["motd.j2:1:8", "\"ownr\" is undefined", "\"owner\"?"]),
        Mistake(
            arguments: ["validate"],
            file: ("Roles/banner/templates/motd.j2", "{% if owner %}\n"),
            status: 65, says: ["motd.j2:", "hint:"]),
        Mistake(
            arguments: ["validate"],
            file: (
                "Roles/banner/role.yaml",
                "resources:\n  - file: /x\n    content: a\n    mode: 644\n"
            ),
            status: 65, says: ["role.yaml:4:11", "\"0644\""]),
        Mistake(
            arguments: ["validate"],
            file: (
                "Roles/banner/role.yaml",
                "parameters:\n  n: {type: integer, default: ten}\nresources: []\n"
            ),
            status: 65, says: ["role.yaml:2:31", "not an integer"]),
    ]

    /// Files that no text of a table can hold.
    @Test func filesThatAreNoYAMLAndScriptsThatAreNoInventoryAreNamed() throws {
        try withFleet { fleet in
            func refused(_ says: String...) throws {
                let answer = try muster(["validate"], in: fleet)
                #expect(answer.status == 65, "\(answer.errors)")
                for text in says + ["hint:"] {
                    #expect(answer.errors.contains(text), "\(text) is not in: \(answer.errors)")
                }
                #expect(!answer.errors.contains("there is no role"), "\(answer.errors)")
            }
            let role = fleet + "/Roles/banner/role.yaml"
            let good = try LocalMachine().read(role, limit: 1 << 16)
            func spoil(_ content: [UInt8]) throws {
                try LocalMachine().writeInPlace(role, content)
            }
            try spoil(Array("description: ".utf8) + [0xFF, 0xFE, 0x0A])
            try refused("role.yaml", "is not UTF-8")
            try spoil([UInt8](repeating: UInt8(ascii: "\n"), count: (64 << 20) + 1))
            try refused("role.yaml:1:1", "larger than 64 MiB", "split it")
            try spoil(good)
            unlink(fleet + "/Inventory/hosts.yaml")
            try refused("no inventory in", "-i")
            let script = fleet + "/Inventory/hosts.sh"
            try write("#!/bin/sh\necho rubbish {\n", script)
            chmod(script, 0o755)
            try refused("did not print JSON", "rubbish {")
            try write("#!/bin/sh\nexit 4\n", script)
            chmod(script, 0o755)
            try refused("exited with status 4", "by hand")
            try write("#!/bin/sh\nsleep 300\n", script)
            chmod(script, 0o755)
            try write("limits: {inventory_script: 1s}\n", fleet + "/Inventory/settings.yaml")
            try refused("ran out of time", "it may take 1 s", "inventory_script")
        }
    }

    @Test(arguments: mistakes)
    func aMistakeIsNamedWithAWayOut(mistake: Mistake) throws {
        try withFleet { fleet in
            if let file = mistake.file { try write(file.text, fleet + "/" + file.path) }
            let answer = try muster(mistake.arguments, in: fleet)
            #expect(answer.status == mistake.status, "\(answer.errors)")
            for text in mistake.says {
                #expect(answer.errors.contains(text), "\(text) is not in: \(answer.errors)")
            }
        }
    }

    /// SIGINT reaches the watcher and not the default action: the run says where it stands.
    @Test func anInterruptIsAnswered() throws {
        try withFleet { fleet in
            // A server that accepts and never says a word keeps the run waiting.
            let silent = try Listener()
            try write(
                "all: {hosts: {h: {ansible_host: 127.0.0.1, ansible_port: \(silent.port)}}}\n",
                fleet + "/Inventory/hosts.yaml")
            try write("ssh: {connect_timeout: 5s}\n", fleet + "/Inventory/settings.yaml")
            try write("- hosts: h\n  roles: [banner]\n", fleet + "/Inventory/site.yaml")
            let output = try Descriptor.pipe()
            let pid = try ProcessRunner.spawn(
                ProgramCall(BuiltProgram.muster, ["check"], directory: fleet),
                stdio: [-1, output.write.number, output.write.number])
            var said = String(decoding: try output.read.read(upTo: 4_096), as: UTF8.self)
            // Once it is connected, the host has begun.
            let connection = try silent.accept()
            kill(pid, SIGINT)
            while !said.contains("Hosts: ") {
                let piece = try output.read.read(upTo: 4_096)
                said += String(decoding: piece, as: UTF8.self)
                if piece.isEmpty { break }
            }
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            #expect(said.contains("interrupted: starting no more hosts"), "\(said)")
            #expect(said.contains("1 unreachable"), "\(said)")
            // It exited by itself: no signal ended it.
            #expect(status & 0x7F == 0)
            _ = consume connection
        }
    }
}
