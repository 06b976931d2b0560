import FleetModel
import Resources
import Testing
import Wire

@testable import AgentCore

/// Work that is done once for all resources of a run that want it.
@Suite("Shared work")
struct SharedWorkTests {
    private func wanting(
        _ work: SharedWork, _ name: String, kind: Kind = .file, requires: [String] = [],
        notify: [String] = [], isFollowed: Bool = false
    ) -> PlannedResource {
        fake(
            name, kind: kind, requires: requires, notify: notify,
            with: ["work": .string(work.rawValue), "followed": .bool(isFollowed)])
    }

    private func bench(_ resources: [PlannedResource], handlers: [String] = []) -> Bench {
        var bench = Bench(resources, handlers: handlers)
        bench.toys[.command] = FakeBehaviour<Nosy>.self
        bench.toys[.service] = FakeBehaviour<Starting>.self
        return bench
    }

    @Test("is done once, before what wanted it is verified and before handlers")
    func once() throws {
        let bench = bench(
            [
                wanting(.initramfs, "a", notify: ["h"]), fake("b", kind: .sysctl),
                wanting(.initramfs, "c", kind: .line),
            ], handlers: ["h"])
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b", "c") == "a=changed b=changed c=changed")
        #expect(outcome.order == ["a", "b", "c"])
        let events = bench.machine.events
        let last = try #require(events.lastIndex(of: "apply c"))
        #expect(
            events[(last + 1)...] == [
                "run update-initramfs", "observe a", "observe c", "done a", "done c", "handler h",
            ])
    }

    @Test("a failure of it is the fault of each that wanted it, and is undone, the last first")
    func failure() throws {
        let bench = bench([
            wanting(.initramfs, "a"), fake("b", kind: .sysctl),
            wanting(.initramfs, "c", kind: .line), fake("d", requires: ["c"]),
        ])
        bench.machine.failing = ["update-initramfs"]
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b", "c", "d") == "a=failed b=changed c=failed d=skipped")
        #expect(outcome.resources["a"]?.fault?.code == "initramfs")
        #expect(
            bench.machine.events.filter { $0.hasPrefix("undo") } == ["undo c", "undo a"])
        #expect(bench.machine.events.contains("untouched a"))
    }

    @Test("is done before what requires a resource that wants it")
    func required() throws {
        let bench = bench([
            wanting(.initramfs, "a"), wanting(.bootMenu, "b"), fake("c", requires: ["a"]),
            wanting(.initramfs, "d"),
        ])
        _ = try bench.run(.apply)
        let events = bench.machine.events
        let apply = try #require(events.firstIndex(of: "apply c"))
        #expect(events[..<apply].contains("done a"))
        #expect(!events[..<apply].contains("done b"))
        #expect(events.filter { $0 == "run update-initramfs" }.count == 2)
    }

    @Test("is done before one that may depend on anything, if that is to be changed at all")
    func nosy() throws {
        func events(_ value: String) throws -> [String] {
            let bench = bench([wanting(.initramfs, "a"), fake("c", kind: .command)])
            bench.machine.values["c"] = value
            _ = try bench.run(.apply)
            return bench.machine.events
        }
        let changed = try events("old")
        let apply = try #require(changed.firstIndex(of: "apply c"))
        #expect(changed[..<apply].contains("done a"))
        #expect(try events("new").last == "done a")
    }

    @Test(
        "one that starts units waits for unit files and for what runs, not for the next boot",
        arguments: [
            (SharedWork.daemonReload, false, true), (.initramfs, false, false),
            (.initramfs, true, true),
        ])
    func starting(_ work: SharedWork, _ isFollowed: Bool, _ waits: Bool) throws {
        let bench = bench([
            wanting(work, "a", isFollowed: isFollowed), fake("s", kind: .service),
        ])
        _ = try bench.run(.apply)
        let events = bench.machine.events
        let apply = try #require(events.firstIndex(of: "apply s"))
        #expect(events[..<apply].contains("done a") == waits)
    }

    @Test("resources of one kind share it, also where the kind starts units")
    func oneKind() throws {
        let bench = bench([
            wanting(.daemonReload, "a", kind: .service, isFollowed: true),
            wanting(.daemonReload, "b", kind: .service, isFollowed: true),
        ])
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b") == "a=changed b=changed")
        #expect(bench.machine.events.filter { $0 == "run systemctl" }.count == 1)
    }

    @Test("is done for what was begun also where the run is stopped")
    func stop() throws {
        var bench = bench([wanting(.initramfs, "a"), fake("b")])
        bench.boundaries = 1
        let outcome = try bench.run(.apply)
        #expect(outcome.text("a", "b") == "a=changed b=skipped")
        #expect(bench.machine.events.contains("run update-initramfs"))
    }
}
