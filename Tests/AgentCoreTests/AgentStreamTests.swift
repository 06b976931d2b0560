import FleetModel
import Glibc
import Journal
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

@Suite("The agent's stream and deadline", .timeLimit(.minutes(5)))
struct AgentStreamTests {
    /// What the agent says after the hello, and its exit status.
    private func answer(
        to bytes: [UInt8], mayFailTwice: Bool = false
    ) throws -> (fault: AgentFault?, status: Int32?) {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory + "/state")
            _ = try client.receiveHello()
            client.send(bytes)
            client.hangUp()
            var fault: AgentFault?
            while let reply = try client.receive() {
                if case .fault(let it) = reply {
                    #expect(fault == nil || mayFailTwice, "one fault, not several")
                    fault = it
                }
            }
            let status = client.waitForExit()
            #expect(try LocalMachine().list(directory) == [])
            return (fault, status)
        }
    }

    private static func message(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return [0x4A, 0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    }

    @Test(
        "a bad frame gets one clear fault and ends the session",
        arguments: [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "bad-frame"),
            ([0x4A, 0xFF, 0xFF, 0xFF, 0xFF], "bad-frame"),
            ([0x42, 0x00, 0xFF, 0xFF, 0xFF], "bad-frame"),
            ([0x42, 0, 0, 0, 1, 0], "bad-frame"),
            ([0x4A, 0, 0, 0, 9, 0x7B], "truncated-frame"),
            (message("{"), "bad-frame"), (message("[]"), "bad-message"),
            (message(#"{"type":"exec","line":"rm -rf /"}"#), "bad-message"),
            (message(#"{"type":"end","more":1}"#), "bad-message"),
            (
                message(#"{"type":"no_blob","digest":""# + Digest(of: []).description + "\"}"),
                "out-of-order"
            ),
        ])
    func badFrame(_ bytes: [UInt8], _ code: String) throws {
        let (fault, status) = try answer(to: bytes)
        #expect(fault?.code == code)
        #expect(fault?.cause.isEmpty == false)
        #expect(status == 65)
    }

    @Test("bytes without sense never crash it and never leave anything behind")
    func fuzz() throws {
        var generator = SeededGenerator(seed: 20_261_121)
        let valid =
            Frame.message(
                Request.run(
                    RunRequest(
                        mode: .apply, plan: Digest(of: []), runID: "r", serial: 1,
                        // Long expired, also with a digit more or less.
                        expiresAfterSeconds: -1_000_000_000, requestedBy: "a")
                ).json
            ).encoded
            + Frame.message(Request.stop.json).encoded
        for _ in 0..<150 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: .min ... .max, using: &generator), at: index)
                }
            }
            // A run that was refused may say so before the frame after it turns out to be bad.
            let (_, status) = try answer(to: bytes, mayFailTwice: true)
            #expect(status == 0 || status == 65, "\(bytes)")
        }
    }

    @Test("a blob whose content does not match its digest is refused")
    func badBlob() throws {
        let piece = BlobPiece(digest: Digest(of: [1]), offset: 0, total: 2, content: [2, 3])
        #expect(try answer(to: Frame.blob(piece).encoded).fault?.code == "bad-blob")
        let gap = BlobPiece(digest: Digest(of: [1]), offset: 7, total: 9, content: [2, 3])
        #expect(try answer(to: Frame.blob(gap).encoded).fault?.code == "bad-pieces")
        let huge = BlobPiece(digest: Digest(of: [1]), offset: 0, total: 1 << 62, content: [2, 3])
        #expect(try answer(to: Frame.blob(huge).encoded).fault?.code == "bad-pieces")
    }

    @Test("a check ends at once when the controller is gone")
    func checkWithoutController() throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory)
            _ = try client.receiveHello()
            let plan = Plan(
                host: "h", resources: [command("slow", check: ["/bin/sleep", "1234"])])
            _ = try client.run(plan, .check) {
                if case .need = $0 { true } else { false }
            }
            try waitFor { try isRunning("sleep 1234") }
            client.hangUp()
            #expect(client.waitForExit() == 0)
            // What a check started ends with it.
            try waitFor { try !isRunning("sleep 1234") }
        }
    }

    @Test("an apply comes to the next safe boundary when the controller is gone, and journals it")
    func applyWithoutController() throws {
        try withTemporaryDirectory { directory in
            let state = directory + "/state"
            let mark = directory + "/mark"
            let slow = command(
                "slow", check: ["/usr/bin/test", "-e", mark],
                run: ["/bin/sh", "-c", "sleep 1.5; touch \(mark)"])
            let plan = Plan(
                host: "h",
                resources: [slow, file(directory + "/after", "x")])
            let client = try AgentClient(state: state)
            _ = try client.receiveHello()
            _ = try client.run(plan, .apply, serial: 1) {
                if case .need = $0 { true } else { false }
            }
            try waitFor { try isRunning("sleep 1.5") }
            client.hangUp()
            #expect(client.waitForExit() == 0)
            #expect(access(mark, F_OK) == 0)
            #expect(access(directory + "/after", F_OK) != 0)
            let last = try #require(try JournalDirectory.latest(in: StateDirectory(state)))
            #expect(last.isFinished)
            #expect(last.stopped == "the controller is gone")
            #expect(last.changes.map(\.progress) == [.done])
        }
    }

    @Test("a stop ends an apply at the next safe boundary")
    func stop() throws {
        try withTemporaryDirectory { directory in
            let mark = directory + "/mark"
            let slow = command(
                "slow", check: ["/usr/bin/test", "-e", mark],
                run: ["/bin/sh", "-c", "sleep 1.25; touch \(mark)"])
            let plan = Plan(host: "h", resources: [slow, file(directory + "/after", "x")])
            let client = try AgentClient(state: directory + "/state")
            _ = try client.receiveHello()
            var isTold = false
            let run = try client.run(plan, .apply, serial: 1) { _ in
                if !isTold {
                    isTold = true
                    try? waitFor { try isRunning("sleep 1.25") }
                    client.send(.stop)
                }
                return false
            }
            #expect(run.outcomes == "changed skipped")
            #expect(run.end?.stopped == "the controller asked for it")
            #expect(client.end() == 0)
        }
    }

    @Test("a garbled frame during an apply lets it come to a safe boundary, then is reported")
    func garbageDuringApply() throws {
        try withTemporaryDirectory { directory in
            let state = directory + "/state"
            let mark = directory + "/mark"
            let slow = command(
                "slow", check: ["/usr/bin/test", "-e", mark],
                run: ["/bin/sh", "-c", "sleep 1.75; touch \(mark)"])
            let plan = Plan(host: "h", resources: [slow, file(directory + "/after", "x")])
            let client = try AgentClient(state: state)
            _ = try client.receiveHello()
            _ = try client.run(plan, .apply, serial: 1) {
                if case .need = $0 { true } else { false }
            }
            try waitFor { try isRunning("sleep 1.75") }
            client.send([UInt8](repeating: 0xFF, count: 5))
            var outcomes: [ResourceReport.Outcome] = []
            var fault: AgentFault?
            while let reply = try client.receive() {
                if case .resource(let report) = reply { outcomes.append(report.outcome) }
                if case .fault(let it) = reply { fault = it }
            }
            #expect(outcomes == [.changed, .skipped])
            #expect(fault?.code == "bad-frame")
            #expect(client.waitForExit() == 65)
            #expect(try JournalDirectory.latest(in: StateDirectory(state))?.isFinished == true)
        }
    }

    @Test("a check that takes too long is ended, and named is what it was at")
    func deadline() throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory)
            _ = try client.receiveHello()
            let plan = Plan(
                host: "h",
                resources: [command("slow", check: ["/bin/sleep", "4321"], timeout: 600)])
            let run = try client.run(plan, .check, adjust: { $0.deadlineSeconds = 1 })
            #expect(run.fault?.code == "deadline")
            #expect(
                run.fault?.cause
                    == "it took longer than 1 seconds; last it tried to observe 1 of kind command: "
                    + "run /bin/sleep")
            #expect(client.waitForExit() == 75)
            try waitFor { try !isRunning("sleep 4321") }
        }
    }

    /// The worker is a process of its own: what it says may be damaged as well as a stranger's words.
    @Test(
        "a worker that says what cannot be read is ended at once, not at the deadline",
        arguments: ["GET / HTTP/1.1", "J\u{7f}\u{7f}\u{7f}\u{7f}"])
    func damagedWorker(_ text: String) throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory + "/state")
            _ = try client.receiveHello()
            let plan = CompiledPlan(
                Plan(
                    host: "h",
                    resources: [
                        command(
                            "slow", check: ["/bin/false"], run: ["/bin/sleep", "6543"],
                            timeout: 600)
                    ]))
            client.send(blob: plan.bytes)
            client.send(
                .run(
                    RunRequest(
                        mode: .apply, plan: plan.digest, runID: "r", serial: 1,
                        expiresAfterSeconds: 600, requestedBy: "tester@here")))
            try waitFor { try isRunning("sleep 6543") }
            let worker = try #require(try client.worker())
            let socket = try #require(try client.socket(of: worker))
            let tool = try ProcessRunner.run(
                ProgramCall(
                    try BuiltProgram.path("AgentTestTool"),
                    ["write-into", "\(worker)", "\(socket)", text]))
            #expect(tool.outputText == "done\n", "\(tool.errorText)")
            client.patience = 20
            guard case .fault(let fault)? = try client.receive() else {
                Issue.record("no fault")
                return
            }
            #expect(fault.code == "worker-damaged")
            #expect(fault.cause.contains("run /bin/sleep"))
            try waitFor { try !isRunning("sleep 6543") }
            // The agent itself is sound.
            #expect(client.end() == 0)
        }
    }

    @Test("an apply that takes too long stops before the deadline, or is ended with its program")
    func applyDeadline() throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory + "/state")
            _ = try client.receiveHello()
            let plan = Plan(
                host: "h",
                resources: [
                    command(
                        "slow", check: ["/bin/false"], run: ["/bin/sleep", "5432"], timeout: 600)
                ])
            let run = try client.run(plan, .apply, serial: 1, adjust: { $0.deadlineSeconds = 2 })
            #expect(run.fault?.code == "deadline")
            #expect(run.fault?.cause.contains("run /bin/sleep") == true)
            try waitFor { try !isRunning("sleep 5432") }
            let state = StateDirectory(directory + "/state")
            let last = try #require(try JournalDirectory.latest(in: state))
            #expect(last.openChanges.map(\.address) == ["r/command:slow"])
            let check = try runAgent(state.path, Plan(host: "h", resources: []), .check)
            #expect(
                check.end?.notices.contains { $0.contains("did not finish") } == true)
        }
    }
}

/// Whether a process with these words at the end of its command line runs.
func isRunning(_ words: String) throws -> Bool {
    let machine = LocalMachine()
    for name in try machine.list("/proc") where Int(name) != nil {
        guard let line = (try? machine.textIfPresent("/proc/\(name)/cmdline")) ?? nil else {
            continue
        }
        let text = line.split(separator: "\0").joined(separator: " ")
        let state = ProcessTable.state(of: pid_t(name) ?? 0)
        if text.hasSuffix(words), !text.contains("sh -c"), state != "Z" { return true }
    }
    return false
}

/// Waits until the condition holds; a failure of the test where it does not.
func waitFor(seconds: Double = 20, _ condition: () throws -> Bool) throws {
    let end = Clock.monotonicSeconds() + seconds
    while try !condition() {
        if Clock.monotonicSeconds() > end {
            Issue.record("it did not come to pass within \(seconds) s")
            return
        }
        usleep(10_000)
    }
}

/// The same numbers for the same seed (xorshift64*).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 2_685_821_657_736_338_717
    }
}
