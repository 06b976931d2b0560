import Glibc
import Linux
import TestSupport
import Testing

/// Runs that an operator interrupts or whose controller is killed, as the operator sees them.
@Suite(.timeLimit(.minutes(5))) struct InterruptedTests {
    /// A resource that is under way while a file `hold` is there, and counts how often it was made.
    private func slow(_ program: LoopbackProgram) throws {
        let (count, begun, hold) = (
            program.made.path("count"), program.made.path("begun"), program.made.path("hold")
        )
        try program.made.write("hold", "")
        try program.role(
            """
              - command: count
                check: [/usr/bin/test, -s, \(count)]
                run: [/bin/sh, -c, "touch \(begun); while [ -e \(hold) ]; do sleep 0.1; done; echo x >>\(count)"]
            """)
    }

    private func count(_ program: LoopbackProgram) throws -> Int {
        (try LocalMachine().textIfPresent(program.made.path("count")) ?? "").utf8.count / 2
    }

    private func runID(_ program: LoopbackProgram) throws -> String {
        let history = try program.muster("history", "--format", "jsonl")
        let start = try #require(history.output.firstRange(of: "\"id\":\""))
        return String(history.output[start.upperBound...].prefix(8))
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func oneSignalWaitsForTheHostUnderWay(_ signal: Int32) throws {
        let program = try LoopbackProgram()
        try slow(program)
        let apply = try program.start(["apply", "--yes"])
        try #require(program.waitForFile("begun"), "\(program.said)")
        apply.kill(signal)
        usleep(300_000)
        unlink(program.made.path("hold"))
        #expect(apply.wait(seconds: 60) == 0)
        #expect(try program.directory.read("out").contains("Hosts: 1 changed."))
        #expect(try program.directory.read("err").contains("interrupted: starting no more hosts"))
        #expect(try count(program) == 1)
    }

    @Test func theSecondSaysWhatIsNotKnownAndResumeAsksIt() throws {
        let program = try LoopbackProgram()
        try slow(program)
        let apply = try program.start(["apply", "--yes"])
        try #require(program.waitForFile("begun"), "\(program.said)")
        apply.kill(SIGINT)
        usleep(300_000)
        apply.kill(SIGINT)
        #expect(apply.wait(seconds: 60) == 130)
        let said = try program.directory.read("out")
        #expect(said.contains("newc-1  not known"), "\(said)")
        #expect(!said.contains("No changes"), "\(said)")
        let id = try runID(program)
        #expect(said.contains("The result of 1 host is not known: muster resume \(id)."), "\(said)")
        unlink(program.made.path("hold"))
        let resumed = try program.muster("resume", id)
        #expect(resumed.status == 0, "\(resumed.output)\(resumed.errors)")
        #expect(resumed.output.contains("Hosts: 1 "), "\(resumed.output)")
        #expect(try count(program) == 1)
        let again = try program.muster("resume", id)
        #expect(again.status == 0 && again.errors.contains("Nothing is left of the run \(id)."))
    }

    @Test func aControllerThatWasKilledIsSpokenOfAndGoneOnWith() throws {
        let program = try LoopbackProgram()
        try slow(program)
        let apply = try program.start(["apply", "--yes"])
        try #require(program.waitForFile("begun"), "\(program.said)")
        let id = try runID(program)
        #expect(try program.muster("history").output.contains("under way"))
        // Another controller must not take over what this one carries out.
        let refused = try program.muster("resume", id)
        #expect(refused.status != 0 && refused.errors.contains("is carrying it out"), "\(refused)")
        apply.kill(SIGKILL)
        #expect(apply.wait(seconds: 10) == -SIGKILL)
        unlink(program.made.path("hold"))
        #expect(try program.muster("history").output.contains("did not end"))
        let shown = try program.muster("show", id)
        #expect(
            shown.output.contains("muster resume \(id) continues it.\n  running: newc-1")
                || shown.output.contains("muster resume \(id) continues it.\n  planned: newc-1"),
            "\(shown.output)")
        let check = try program.muster("check")
        #expect(
            check.errors.contains(
                "did not end and was at work on newc-1; muster resume \(id)"),
            "\(check.errors)")
        let resumed = try program.muster("resume", id)
        #expect(resumed.status == 0, "\(resumed.output)\(resumed.errors)")
        #expect(try count(program) == 1)
        #expect(try program.muster("history").output.contains("did not end") == false)
        #expect(try program.muster("check").status == 0)
    }
}
