import FleetModel
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

/// What the agent's journal tells a controller that did not hear how a run ended.
@Suite("What came of a run", .timeLimit(.minutes(2)))
struct JournalAnswerTests {
    private func answer(_ state: String, run: String) throws -> JournalAnswer {
        let client = try AgentClient(state: state)
        _ = try client.receiveHello()
        client.send(.journal(runID: run))
        guard case .journal(let answer) = try client.receive() else {
            Issue.record("no answer from the journal")
            return JournalAnswer(state: .none)
        }
        #expect(client.end() == 0)
        return answer
    }

    @Test("a run that ended, one that failed in part, one that never was")
    func ended() throws {
        let directory = try TemporaryDirectory()
        let state = directory.path("state")
        #expect(try answer(state, run: "run-1") == JournalAnswer(state: .none))
        // Asking leaves nothing behind.
        #expect(try LocalMachine().list(directory.path) == [])
        let good = file(directory.path("a"), "a")
        let bad = command("never", check: ["/bin/false"])
        let plan = Plan(host: "h", resources: [good, bad])
        _ = try runAgent(state, plan, .apply, serial: 1, blobs: [Array("a".utf8)])
        let first = try answer(state, run: "run-1")
        #expect(first.state == .ended && first.stopped == nil && first.open.isEmpty)
        #expect(first.plan == CompiledPlan(plan).digest)
        #expect(first.changed == [good.address])
        #expect(Array(first.failed.keys) == [bad.address])
        #expect(try answer(state, run: "run-2").state == .none)
        // A run that found nothing to do has a journal all the same.
        _ = try runAgent(state, Plan(host: "h", resources: [good]), .apply, serial: 2)
        let second = try answer(state, run: "run-2")
        #expect(second.state == .ended && second.changed.isEmpty && second.failed.isEmpty)
        #expect(try answer(state, run: "run-1").changed == [good.address])
    }

    @Test("one whose agent is at work, and then is killed")
    func unfinished() throws {
        let directory = try TemporaryDirectory()
        let state = directory.path("state")
        let slow = command("slow", check: ["/bin/false"], run: ["/bin/sleep", "60"], timeout: 90)
        let client = try AgentClient(state: state)
        _ = try client.receiveHello()
        let plan = CompiledPlan(Plan(host: "h", resources: [slow]))
        client.send(blob: plan.bytes)
        client.send(
            .run(
                RunRequest(
                    mode: .apply, plan: plan.digest, runID: "slow", serial: 1,
                    expiresAfterSeconds: 600, deadlineSeconds: 60, requestedBy: "tester@here")))
        var found = try answer(state, run: "slow")
        for _ in 0..<200 where found.open.isEmpty {
            usleep(50_000)
            found = try answer(state, run: "slow")
        }
        #expect(found.state == .running && found.open == [slow.address])
        let lock = try JSON(parsing: try LocalMachine().read(state + "/lock", limit: 4_096))
        let worker = try #require(lock["pid"]?.integer.map(pid_t.init))
        let programs = ProcessTable.children(of: worker)
        kill(worker, SIGKILL)
        for program in programs { kill(program, SIGKILL) }
        for _ in 0..<200 where found.state == .running {
            usleep(50_000)
            found = try answer(state, run: "slow")
        }
        #expect(found.state == .unfinished && found.open == [slow.address])
    }
}
