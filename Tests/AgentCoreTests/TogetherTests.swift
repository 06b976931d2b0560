import FleetModel
import Resources
import Testing
import Wire

@testable import AgentCore

/// Resources of one kind that are changed in one go.
@Suite("Changed in one go")
struct TogetherTests {
    /// Resources of the kind `sysctl` are changed together, the others are plain.
    private func bench(
        _ resources: [PlannedResource], _ values: [String: String] = [:], handlers: [String] = []
    ) -> Bench {
        var bench = Bench(resources, values, handlers: handlers)
        bench.toys[.sysctl] = FakeBehaviour<Together>.self
        return bench
    }

    private func one(
        _ name: String, requires: [String] = [], notify: [String] = [],
        with attributes: [String: JSON] = [:]
    ) -> PlannedResource {
        fake(name, kind: .sysctl, requires: requires, notify: notify, with: attributes)
    }

    @Test("intents first, then one change, one observation, and an outcome each")
    func order() throws {
        let bench = bench([one("a"), one("b"), one("c")])
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b", "c") == "a=changed b=changed c=changed")
        #expect(
            bench.machine.events == [
                "observe a b c", "intend a b c", "together a b c", "apply a", "apply b", "apply c",
                "observe a b c", "done a", "done b", "done c",
            ])
    }

    @Test("what is as declared, waits for another kind's, or costs too much is no part of it")
    func members() throws {
        var bench = bench(
            [
                one("a"), one("right"), one("absent", with: ["trick": "absent"]),
                one("blocked", with: ["needed": "nowhere"]),
                one("dear", with: ["disruption": "reboot"]), one("b"),
            ], ["right": "new"])
        bench.maxDisruption = .linkFlap
        let outcome = try bench.run(.apply)
        #expect(bench.machine.events.contains("together a b"))
        #expect(
            outcome.text("a", "right", "absent", "blocked", "b")
                == "a=changed right=as_declared absent=not_applicable blocked=failed b=changed")
        #expect(outcome.order == ["a", "right", "absent", "blocked", "dear", "b"])
    }

    @Test("one that fails fails alone, and only what requires it is skipped")
    func failures() throws {
        let bench = bench([
            one("a", with: ["trick": "refuses"]), one("b", with: ["trick": "lies"]),
            one("c", with: ["trick": "unread"]), one("d"), fake("e", requires: ["a"]),
            fake("f", requires: ["d"]),
        ])
        let outcome = try bench.run(.apply)
        #expect(
            outcome.text("a", "b", "c", "d", "e", "f")
                == "a=failed b=failed c=failed d=changed e=skipped f=changed")
        #expect(bench.machine.events.contains("intend a b d"))
        #expect(bench.machine.events.contains("untouched a"))
        #expect(outcome.resources["b"]?.fault?.code == "verify-failed")
        #expect(outcome.resources["c"]?.fault?.code == "unread")
    }

    @Test("never moves past one that it requires or that requires it")
    func requirements() throws {
        let bench = bench([one("a"), one("b"), one("c", requires: ["a"]), one("d")])
        _ = try bench.run(.apply)
        #expect(
            bench.machine.events.filter { $0.hasPrefix("together") } == [
                "together a b", "together c d",
            ])
    }

    @Test("passes over others that are as declared and untouched, and over nothing else")
    func others() throws {
        func groups(_ other: PlannedResource, _ values: [String: String]) throws -> [String] {
            let bench = bench([one("a"), other, one("b")], values)
            #expect(try bench.run(.apply).resources.count == 3)
            return bench.machine.events.filter { $0.hasPrefix("together") }
        }
        #expect(try groups(fake("x"), ["x": "new"]) == ["together a b"])
        #expect(try groups(fake("x"), [:]) == ["together a", "together b"])
        let touched = fake("x", with: ["path": "/values/a/below"])
        #expect(try groups(touched, ["x": "new"]) == ["together a", "together b"])
        let dependent = fake("x", requires: ["a"])
        #expect(try groups(dependent, ["x": "new"]) == ["together a", "together b"])
    }

    @Test("one that requires what comes between waits for its turn")
    func between() throws {
        let bench = bench(
            [one("a"), fake("x"), one("b", requires: ["x"]), one("c")], ["x": "new"])
        _ = try bench.run(.apply)
        #expect(
            bench.machine.events.filter { $0.hasPrefix("together") }
                == ["together a c", "together b"])
    }

    @Test("a stop is honoured between batches, and reports what was made")
    func stop() throws {
        var bench = bench([one("a"), fake("x"), one("b"), fake("y")], ["x": "new"])
        bench.boundaries = 1
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "x", "b", "y") == "a=changed x=skipped b=changed y=skipped")
        #expect(outcome.order == ["a", "x", "b", "y"])
    }

    @Test("nothing is changed that could not be journaled")
    func journalFull() throws {
        let bench = bench([one("a"), one("b")])
        bench.log.failing = "intend"
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b") == "a=failed b=failed")
        #expect(bench.machine.values.isEmpty)
    }

    @Test("a handler that two notify stays pending where one of them touched nothing")
    func handlers() throws {
        let bench = bench(
            [one("a", notify: ["h"], with: ["trick": "refuses"]), one("b", notify: ["h"])],
            handlers: ["h"])
        let outcome = try bench.run(.apply)
        #expect(outcome.handlers.map(\.outcome) == [.ran])
    }
}
