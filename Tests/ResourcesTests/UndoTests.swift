import FleetModel
import Glibc
import TestSupport
import Testing
import Wire

@testable import Resources

/// What is said of a change that failed half way is so.
@Suite struct UndoTests {
    private let fault = AgentFault("refused", "set x", cause: "the kernel refuses it", hint: "see")

    /// A step over a value in memory.
    private func step(
        _ what: String, _ log: Log, refuses: Bool = false, isDeaf: Bool = false
    ) -> Restoration {
        Restoration(what) { () throws(AgentFault) in
            log.values[what] == "old"
        } putBack: { () throws(AgentFault) in
            log.order.append(what)
            if refuses { throw AgentFault("busy", "set \(what)", cause: "it is busy") }
            if !isDeaf { log.values[what] = "old" }
        }
    }

    private final class Log {
        var values = ["a": "new", "b": "new", "c": "new"]
        var order: [String] = []
    }

    @Test func nothingSetIsNothingSaid() {
        #expect(Undo().after(fault) == fault)
    }

    @Test func whatWasSetLastIsPutBackFirst() {
        let log = Log()
        var undo = Undo()
        for what in ["a", "b", "c"] { undo.add(step(what, log)) }
        let after = undo.after(fault)
        #expect(log.order == ["c", "b", "a"])
        #expect(after.cause == fault.cause)
        #expect(after.hint == "see; the earlier state is restored")
    }

    @Test func whatIsThereIsNotSetAgain() {
        let log = Log()
        log.values["a"] = "old"
        var undo = Undo()
        undo.add(step("a", log))
        #expect(undo.after(fault).hint == "see; the earlier state is restored")
        #expect(log.order == [])
    }

    /// One step that fails keeps none of the others from being put back.
    @Test func whatCouldNotBePutBackIsNamed() {
        let log = Log()
        var undo = Undo()
        undo.add(step("a", log))
        undo.add(step("b", log, refuses: true))
        undo.add(step("c", log, isDeaf: true))
        let after = undo.after(fault)
        #expect(log.order == ["c", "b", "a"])
        #expect(log.values["a"] == "old")
        #expect(
            after.text
                == "cannot set x: the kernel refuses it; not put back: c (it was written, but "
                + "still differs), b (it is busy)")
        #expect(after.hint == "see; put that back by hand, or repair the host and apply again")
    }

    /// From some write on every call fails, that of undoing too.
    @Test(arguments: ResourceFixture.all.filter(\.isApplied))
    func onADeadDiskNothingIsClaimed(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        for number in try writes(of: content) {
            let machine = try content.machine()
            machine.failure = (number, EIO)
            machine.failureLasts = true
            try expectTruth(content, machine, "call \(number)")
        }
    }

    /// Where a change is undone, whichever call of that fails as well.
    @Test(
        arguments: ResourceFixture.all.filter { fixture in
            fixture.isApplied && (try? fixture.read())?.json["apply_fault"] != nil
        })
    func undoingFails(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        for number in try writes(of: content) {
            let machine = try content.machine()
            machine.failure = (number, ENOSPC)
            try expectTruth(content, machine, "call \(number)")
        }
    }

    /// The numbers of the calls that write or run a program, when nothing fails.
    private func writes(of content: FixtureContent) throws -> [Int] {
        let machine = try content.machine()
        _ = try content.apply(on: machine)
        return machine.calls.indices.filter {
            machine.calls[$0].isWrite || machine.calls[$0].name == "run"
        }.map { $0 + 1 }
    }

    /// A claim that all is as before is true, and what is not put back is not passed over.
    private func expectTruth(
        _ content: FixtureContent, _ machine: FakeMachine, _ what: String
    ) throws {
        let before = try content.machine()
        guard let fault = try content.apply(on: machine) else { return }
        if fault.hint?.contains(Undo.isBackNote) ?? false {
            #expect(state(of: machine) == state(of: before), "\(what): \(fault.text)")
            #expect(!fault.cause.contains("not put back"), "\(what)")
        }
    }

    /// Files as they are, and what drivers have; not what is ours for a moment, nor caches.
    private func state(of machine: FakeMachine) -> [String: String] {
        var state: [String: String] = [:]
        for (path, node) in machine.nodes
        where !FakeMachine.isScratch(path) && !FakeMachine.isCache(path) {
            state[path] = "\(node)"
        }
        for (link, driver) in machine.drivers {
            var members = driver.json.object ?? [:]
            members["sets"] = nil
            state["driver of \(link)"] = JSON.object(members).canonicalText
        }
        return state
    }
}
