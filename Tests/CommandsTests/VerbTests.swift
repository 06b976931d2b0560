import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// Each verb that contacts hosts, on a real sshd: a good run, each exit code it can give, its JSON.
@Suite(.timeLimit(.minutes(5))) struct VerbTests {
    private let program: LoopbackProgram

    init() throws {
        program = try LoopbackProgram()
        try declare("hello")
    }

    /// One file, in a place that the agent's sandbox sees.
    private func declare(_ content: String) throws {
        try program.role(
            """
              - file: \(program.made.path("motd"))
                content: "\(content)\\n"
                mode: "0644"
            """)
    }

    private func json(_ arguments: String...) throws -> JSON {
        let program = try self.program.start(arguments + ["--format", "json"])
        _ = program.wait(seconds: 120)
        return try JSON(parsing: Array(try self.program.directory.read("out").utf8))
    }

    @Test func fromNothingToDriftAndBack() throws {
        let ping = try program.muster("ping")
        #expect(ping.status == 0, "\(ping.errors)")
        #expect(ping.output.contains("newc-1"))

        let facts = try program.muster("facts")
        #expect(facts.status == 0, "\(facts.errors)")

        let plan = try program.muster("plan")
        #expect(plan.status == 2, "\(plan.output)\(plan.errors)")
        #expect(plan.output.contains("+ file \(program.made.path("motd"))"), "\(plan.output)")
        let start = try #require(plan.errors.firstRange(of: "muster apply --plan "))
        let id = String(plan.errors[start.upperBound...].prefix(8))
        // A comment moves lines and changes no plan.
        let role = try program.directory.read("Roles/r/role.yaml")
        try program.directory.write("Roles/r/role.yaml", "# kept as it is\n" + role)
        let apply = try program.muster("apply", "--plan", id, "--yes")
        #expect(apply.status == 0, "\(apply.output)\(apply.errors)")
        #expect(try program.made.read("motd") == "hello\n")

        let again = try program.muster("apply", "--yes")
        #expect(again.status == 0 && again.output.contains("No changes."), "\(again.output)")
        #expect(try program.muster("plan").status == 0)
        #expect(try program.muster("check").status == 0)
        try program.made.write("motd", "by hand\n")
        let check = try program.muster("check", "--diff")
        #expect(check.status == 2 && check.output.contains("-by hand"), "\(check.output)")

        // Files that say something else since make a saved plan stale.
        try declare("other")
        let stale = try program.muster("apply", "--plan", id, "--yes")
        #expect(stale.status == 5 && stale.output.contains("the plan is now"), "\(stale.output)")
        #expect(try program.made.read("motd") == "by hand\n")

        let history = try program.muster("history")
        #expect(history.status == 0)
        #expect(history.output.split(separator: "\n").count == 8, "\(history.output)")
        let shown = try program.muster("show", id)
        #expect(shown.status == 0 && shown.output.hasPrefix("Plan \(id)   1 host"))
    }

    /// What it says of the way to a host would be left out, and another host might answer.
    @Test func anSSHConfigThatCannotBeReadIsAFault() throws {
        let settings = try program.directory.read("Inventory/settings.yaml")
        for (path, says) in [
            (program.directory.path("Inventory"), "cannot be read: Is a directory"),
            (program.directory.path("none"), "there is no such file"),
        ] {
            try program.directory.write(
                "Inventory/settings.yaml",
                settings.replacing("config: none", with: "config: \"\(path)\""))
            let ping = try program.muster("ping")
            #expect(ping.status == 65, "\(ping.status) \(ping.output)\(ping.errors)")
            #expect(ping.errors.contains("\(path): \(says)"), "\(ping.output)\(ping.errors)")
        }
    }

    @Test func theJSONFormsHaveAVersionAndTheCounts() throws {
        for verb in ["plan", "check"] {
            let view = try json(verb)
            #expect(view["format_version"] == 1 && view["verb"]?.string == verb)
            #expect(view["summary"]?["outcomes"]?["differs"] == 1)
            let resource = view["hosts"]?.array?.first?["resources"]?.array?.first
            #expect(resource?["kind"]?.string == "file")
            #expect(resource?["origin"]?.string?.hasPrefix("Roles/r/role.yaml:") == true)
        }
        #expect(try json("apply", "--yes")["summary"]?["outcomes"]?["changed"] == 1)
        #expect(try json("history")["runs"]?.array?.count == 3)
        #expect(try json("ping")["hosts"]?.array?.first?["host"]?.string == "newc-1")
    }

    /// A change that did not come about, and one that depends on it.
    @Test func aHostThatFailsGivesOne() throws {
        try program.role(
            """
              - command: never
                check: [/bin/false]
                run: [/bin/true]
            """)
        let apply = try program.muster("apply", "--yes")
        #expect(apply.status == 1 && apply.output.contains("1 failed"), "\(apply.output)")
        #expect(try program.muster("check").status == 2)
    }

    /// What is right on disk and not yet told to the kernel, or a handler that was not allowed.
    @Test func anApplyThatLeavesAHandlerGivesTwo() throws {
        try program.directory.write(
            "Roles/r/role.yaml",
            """
            description: A test.
            resources:
              - file: \(program.made.path("motd"))
                content: "x"
                mode: "0644"
                notify: again
            handlers:
              - {id: again, service: muster-no-such-unit, action: restart}
            """)
        let apply = try program.muster("apply", "--yes", "--max-disruption", "none")
        #expect(apply.status == 2, "\(apply.output)\(apply.errors)")
        #expect(apply.output.contains("> handler r/again   pending"), "\(apply.output)")
    }

    @Test func aHostThatDoesNotAnswerGivesThree() throws {
        try program.directory.write(
            "Inventory/settings.yaml",
            "ssh: {config: none, known_hosts: [\"\(program.server.knownHosts)\"], connect_timeout: 1s}\n"
        )
        program.server.stop()
        for verb in ["ping", "facts", "plan", "check"] {
            let answer = try program.muster(verb)
            #expect(answer.status == 3, "\(verb): \(answer.output)\(answer.errors)")
        }
        let apply = try program.muster("apply", "--yes")
        #expect(apply.status == 3 && apply.output.contains("1 unreachable"), "\(apply.output)")
    }

    @Test func whatNobodyCanBeAskedIsRefused() throws {
        let apply = try program.muster("apply")
        #expect(apply.status == 5 && apply.errors.contains("nobody to ask"), "\(apply.errors)")
        #expect(access(program.made.path("motd"), F_OK) != 0)
    }

    @Test(arguments: ["plan", "apply", "check", "ping", "facts"])
    func filesThatAreWrongGiveSixtyFive(_ verb: String) throws {
        try program.directory.write("Inventory/settings.yaml", "limits: {fork: 3}\n")
        let answer = try program.muster(verb)
        #expect(answer.status == 65 && answer.errors.contains("hint:"), "\(answer.errors)")
    }

    @Test(arguments: ["plan", "apply", "check", "resume", "ping", "facts", "history", "show"])
    func anOptionThatIsNotThereGivesSixtyFour(_ verb: String) throws {
        let answer = try program.muster(verb, "--no-such-option")
        #expect(answer.status == 64 && answer.errors.contains("--no-such-option"))
    }

    /// One who may read the store and nothing else.
    @Test func historyAndShowNeedNoRightToWrite() throws {
        #expect(try program.muster("check").status == 2)
        let id = try #require(
            try json("history")["runs"]?.array?.first?["id"]?.string)
        let folder = program.directory.path(".muster")
        try #require(mount(folder, folder, nil, UInt(MS_BIND), nil) == 0)
        defer { umount2(folder, Int32(MNT_DETACH)) }
        let flags = UInt(MS_BIND) | UInt(MS_REMOUNT) | UInt(MS_RDONLY)
        try #require(mount(nil, folder, nil, flags, nil) == 0)
        #expect(try program.muster("history").output.contains(id))
        #expect(try program.muster("show", id).status == 0)
    }
}
