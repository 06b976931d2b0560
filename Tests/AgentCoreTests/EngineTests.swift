import FleetModel
import Journal
import Kinds
import Linux
import Resources
import Testing
import Wire

@testable import AgentCore

/// A plan of fakes on a machine of values, and everything that was reported of it.
struct Bench {
    let machine: ValueMachine
    let log: RecordingLog
    var plan: Plan
    var maxDisruption = Disruption.powerCycle
    /// How many safe boundaries pass before the run is told to stop.
    var boundaries = Int.max
    /// What resources of a kind are here; the others are plain.
    var toys: [Kind: any ResourceBehaviour.Type] = [:]
    /// The addresses of handlers that fail.
    var failingHandlers: Set<String> = []

    init(
        _ resources: [PlannedResource], _ values: [String: String] = [:],
        handlers: [String] = [], pending: [String] = []
    ) {
        machine = ValueMachine(values)
        plan = Plan(host: "h", resources: resources, handlers: handlers.map(Bench.handler))
        log = RecordingLog(machine, pending: pending.map(Bench.handler))
    }

    static func handler(_ address: String) -> PlannedHandler {
        PlannedHandler(address: address, kind: .service, name: address, action: .restart)
    }

    struct Outcome {
        var resources: [String: ResourceReport] = [:]
        /// The addresses in the order they were reported.
        var order: [String] = []
        var handlers: [HandlerReport] = []
        var result = RunResult()

        /// Names and outcomes: `a=changed b=as_declared`.
        func text(_ names: String...) -> String {
            names.map { "\($0)=\(resources[$0]?.outcome.rawValue ?? "unreported")" }
                .joined(separator: " ")
        }
    }

    func run(_ mode: RunRequest.Mode) throws -> Outcome {
        var outcome = Outcome()
        let bound = try BoundPlan(plan) { toys[$0] ?? FakeBehaviour<Plain>.self }
        let host = Host(
            machine: machine,
            blob: { _ throws(AgentFault) in [] },
            keep: { content throws(AgentFault) in Digest(of: content) })
        var left = boundaries
        let setting = RunSetting(
            host: host,
            report: { reply in
                switch reply {
                case .resource(let report):
                    outcome.resources[report.address] = report
                    outcome.order.append(report.address)
                case .handler(let report): outcome.handlers.append(report)
                default: Issue.record("unexpected \(reply)")
                }
            },
            stopReason: {
                left -= 1
                return left < 0 ? "asked to" : nil
            },
            maxDisruption: maxDisruption,
            runHandler: { handler throws(AgentFault) in
                machine.events.append("handler \(handler.address)")
                if failingHandlers.contains(handler.address) {
                    throw AgentFault("failed", "restart it", cause: "it does not start")
                }
                return "active (running)"
            })
        switch mode {
        case .check:
            var run = CheckRun(bound, setting)
            outcome.result = run.run()
        case .apply:
            var run = ApplyRun(bound, setting, log: log)
            outcome.result = run.run()
        }
        return outcome
    }
}

@Suite("Check")
struct CheckRunTests {
    @Test("observes each kind once, when its first resource is due")
    func batches() throws {
        let bench = Bench([
            fake("a"), fake("b", kind: .sysctl), fake("c"), fake("d", kind: .sysctl),
        ])
        _ = try bench.run(.check)
        #expect(bench.machine.events == ["observe a c", "observe b d"])
    }

    @Test("has three answers: will change, will not, depends on an earlier change")
    func threeAnswers() throws {
        let bench = Bench(
            [
                fake("same"), fake("differs"),
                fake("waits", requires: ["differs"], with: ["needed": "differs"]),
                fake("waits-on", requires: ["waits"], with: ["needed": "differs"]),
                fake("stuck", requires: ["same"], with: ["needed": "nowhere"]),
            ], ["same": "new"])
        let outcome = try bench.run(.check)
        #expect(
            outcome.text("same", "differs", "waits", "waits-on", "stuck")
                == "same=as_declared differs=would_change waits=depends_on_earlier "
                + "waits-on=depends_on_earlier stuck=failed")
        #expect(
            outcome.resources["waits"]?.reason
                == "a needed thing is missing; differs comes first and would change")
        #expect(outcome.resources["differs"]?.reason == "value differs")
    }

    @Test("what is not there or not clear depends on earlier changes as well")
    func notApplicable() throws {
        let bench = Bench([
            fake("differs"),
            fake("absent", requires: ["differs"], with: ["trick": "absent"]),
            fake("unclear", requires: ["differs"], with: ["trick": "unclear"]),
            fake("absent-alone", with: ["trick": "absent"]),
            fake("unclear-alone", with: ["trick": "unclear"]),
        ])
        #expect(
            try bench.run(.check).text("absent", "unclear", "absent-alone", "unclear-alone")
                == "absent=depends_on_earlier unclear=depends_on_earlier "
                + "absent-alone=not_applicable unclear-alone=unknown")
    }
}

@Suite("Apply")
struct ApplyRunTests {
    @Test("observes up front, then changes in plan order, verifying each")
    func order() throws {
        let bench = Bench([fake("a"), fake("b", kind: .sysctl), fake("c")], ["c": "new"])
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b", "c") == "a=changed b=changed c=as_declared")
        #expect(
            bench.machine.events == [
                "observe a c", "observe b", "intend a", "apply a", "observe a", "done a",
                "observe b", "intend b", "apply b", "observe b", "done b",
            ])
        #expect(outcome.result.inPlace == ["a", "b", "c"])
    }

    @Test("a second apply changes nothing")
    func idempotent() throws {
        let bench = Bench([fake("a"), fake("zero", "0"), fake("empty", ""), fake("no", "false")])
        _ = try bench.run(.apply)
        bench.machine.events = []
        let second = try bench.run(.apply)
        #expect(
            second.text("a", "zero", "empty", "no")
                == "a=as_declared zero=as_declared empty=as_declared no=as_declared")
        #expect(bench.machine.events == ["observe a zero empty no"])
    }

    @Test("looks again at what was as declared only where an earlier change may have touched it")
    func staleness() throws {
        let bench = Bench(
            [
                fake("dir", with: ["path": "/etc/x"]), fake("below", with: ["path": "/etc/x/y"]),
                fake("beside", with: ["path": "/etc/xy"]), fake("after", requires: ["dir"]),
            ], ["below": "new", "beside": "new", "after": "new"])
        _ = try bench.run(.apply)
        #expect(bench.machine.events.suffix(2) == ["done dir", "observe below after"])
    }

    @Test("a change touches what it makes, not what lies beside it in a directory both need")
    func neighbours() throws {
        let bench = Bench(
            [
                fake("a", with: ["path": "/etc/x/a", "needs": "/etc/x"]),
                fake("b", with: ["path": "/etc/x/b", "needs": "/etc/x"]),
                fake("c", with: ["path": "/etc/x/c", "needs": "/etc/x/a"]),
                fake("d", with: ["path": "/srv/d", "needs": "/etc/x/a/deep"]),
            ], ["b": "new", "c": "new", "d": "new"])
        _ = try bench.run(.apply)
        #expect(bench.machine.events.suffix(2) == ["done a", "observe c d"])
    }

    @Test("a kind whose changes may touch anything has everything looked at again")
    func opaque() throws {
        var bench = Bench(
            [fake("pkg", kind: .package), fake("a"), fake("b")], ["a": "new", "b": "new"])
        bench.toys[.package] = FakeBehaviour<Opaque>.self
        _ = try bench.run(.apply)
        #expect(bench.machine.events.last == "observe a b")
    }

    @Test("what an earlier change mends is no longer blocked")
    func unblocked() throws {
        let bench = Bench([
            fake("user"), fake("file", requires: ["user"], with: ["needed": "user"]),
        ])
        #expect(try bench.run(.apply).text("user", "file") == "user=changed file=changed")
    }

    @Test("what requires a failed resource is skipped, naming it; others go on")
    func skipped() throws {
        let bench = Bench([
            fake("bad", with: ["trick": "refuses"]), fake("after", requires: ["bad"]),
            fake("after-that", requires: ["after"]), fake("other"),
        ])
        let outcome = try bench.run(.apply)
        #expect(
            outcome.text("bad", "after", "after-that", "other")
                == "bad=failed after=skipped after-that=skipped other=changed")
        #expect(
            outcome.resources["after"]?.reason == "it requires bad, which is not in place")
    }

    @Test("a value that did not take is a failure, whatever the call returned")
    func verification() throws {
        let bench = Bench([fake("a", with: ["trick": "lies"])], ["a": "old"])
        let report = try #require(try bench.run(.apply).resources["a"])
        #expect(report.outcome == .failed)
        #expect(report.fault?.code == "verify-failed")
        #expect(report.fault?.cause == #"the change was made, but value is "old", not "new""#)
    }

    @Test("a change that costs too much is refused; others go on")
    func disruption() throws {
        var bench = Bench([fake("a", with: ["disruption": "reboot"]), fake("b")])
        bench.maxDisruption = .serviceRestart
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b") == "a=failed b=changed")
        #expect(outcome.resources["a"]?.fault?.code == "disruption")
        #expect(!bench.machine.events.contains("apply a"))
    }

    @Test("handlers run once, in definition order, after the resources")
    func handlers() throws {
        let bench = Bench(
            [fake("a", notify: ["second", "first"]), fake("b", notify: ["first"]), fake("c")],
            handlers: ["first", "second", "third"])
        let outcome = try bench.run(.apply)
        #expect(bench.machine.events.suffix(2) == ["handler first", "handler second"])
        #expect(outcome.handlers.map(\.outcome) == [.ran, .ran])
        #expect(bench.log.pending.isEmpty)
    }

    @Test("handlers left by earlier runs fire, those of an older plan first")
    func pendingHandlers() throws {
        let bench = Bench(
            [fake("a")], ["a": "new"], handlers: ["first", "second"], pending: ["second", "gone"])
        _ = try bench.run(.apply)
        #expect(bench.machine.events.suffix(2) == ["handler gone", "handler second"])
    }

    @Test("a failed handler stays pending; a resource that fails loses none")
    func failedHandler() throws {
        var bench = Bench(
            [fake("a", notify: ["h"]), fake("b", notify: ["i"], with: ["trick": "refuses"])],
            handlers: ["h", "i"])
        bench.failingHandlers = ["h"]
        let outcome = try bench.run(.apply)
        #expect(outcome.handlers.map(\.outcome).first == .failed)
        #expect(bench.log.pending.map(\.address).contains("h"))
        #expect(outcome.result.failedHandlers == 1)
    }

    @Test("a handler that costs too much stays pending and says why")
    func costlyHandler() throws {
        var bench = Bench([fake("a", notify: ["h"])], handlers: ["h"])
        bench.maxDisruption = .none
        let outcome = try bench.run(.apply)
        #expect(outcome.handlers.first?.outcome == .pending)
        #expect(outcome.handlers.first?.fault?.code == "disruption")
        #expect(bench.log.pending.map(\.address) == ["h"])
    }

    @Test("a change that failed half-way is told from one that touched nothing")
    func untouched() throws {
        let bench = Bench(
            [fake("a", with: ["trick": "refuses"]), fake("b", with: ["trick": "breaks"])],
            ["a": "old", "b": "old"])
        _ = try bench.run(.apply)
        #expect(bench.machine.events.contains("untouched a"))
        #expect(bench.machine.events.contains("failed b"))
    }

    @Test("comes to the next safe boundary when told to stop, handlers stay pending")
    func stop() throws {
        var bench = Bench(
            [fake("a", notify: ["h"]), fake("b"), fake("c")], handlers: ["h"])
        bench.boundaries = 1
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b", "c") == "a=changed b=skipped c=skipped")
        #expect(outcome.result.stopped == "asked to")
        #expect(outcome.handlers.map(\.outcome) == [.pending])
        #expect(bench.log.pending.map(\.address) == ["h"])
    }

    @Test("nothing is changed that could not be journaled")
    func journalFull() throws {
        let bench = Bench([fake("a"), fake("b")], ["b": "new"])
        bench.log.failing = "intend"
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b") == "a=failed b=as_declared")
        #expect(outcome.resources["a"]?.fault?.code == "no-space")
        #expect(!bench.machine.events.contains("apply a"))
    }

    @Test("a journal that cannot take an outcome ends the run")
    func journalFullLater() throws {
        let bench = Bench([fake("a"), fake("b")])
        bench.log.failing = "finish"
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b") == "a=changed b=skipped")
    }
}

@Suite("Plans on arrival")
struct BoundPlanTests {
    @Test(
        "what does not hold is refused",
        arguments: [
            (
                [fake("a", requires: ["b"]), fake("b")],
                "a requires b, which does not come before it"
            ),
            ([fake("a", notify: ["h"])], "a notifies h, which is not a handler of the plan"),
            ([fake("a"), fake("a")], "two resources have the address a"),
        ])
    func refused(_ resources: [PlannedResource], _ cause: String) {
        let fault = #expect(throws: AgentFault.self) {
            try BoundPlan(Plan(host: "h", resources: resources)) { _ in FakeBehaviour<Plain>.self }
        }
        #expect(fault?.code == "bad-plan")
        #expect(fault?.cause == cause)
    }

    @Test("an attribute that does not fit is refused with its address")
    func badAttribute() {
        var resource = fake("a")
        resource.attributes = [:]
        let fault = #expect(throws: AgentFault.self) {
            try BoundPlan(Plan(host: "h", resources: [resource])) { _ in FakeBehaviour<Plain>.self }
        }
        #expect(fault?.text == "cannot read a: value is missing")
    }

    @Test(
        "bytes that are no plan are refused",
        arguments: ["", "{}", "[]", #"{"format_version":3}"#, "\u{0}", "{\"format_version\":2}"])
    func badBytes(_ text: String) {
        let bytes = Array(text.utf8)
        let fault = #expect(throws: AgentFault.self) {
            try BoundPlan(bytes: bytes, digest: Digest(of: bytes))
        }
        #expect(fault?.code == "bad-plan")
        #expect(throws: AgentFault.self) {
            try BoundPlan(bytes: bytes, digest: Digest(of: Array("other".utf8)))
        }
    }
}
