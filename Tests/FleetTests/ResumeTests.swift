import Diagnostics
import Fleet
import FleetModel
import Glibc
import Linux
import Runs
import Store
import TestSupport
import Testing
import Views
import Wire

/// Runs that did not come to their end, on a real sshd and by the real agent.
@Suite(.timeLimit(.minutes(3))) struct ResumeTests {
    private let made: TemporaryDirectory

    init() throws { made = try TemporaryDirectory(below: "/var/tmp") }

    /// A resource that counts how often it was made, and takes as long as a file is there.
    private func counting(waits: Bool = false) throws -> FixedPlanner {
        let count = made.path("count")
        let hold = made.path("hold")
        if waits { try made.write("hold", "") }
        return FixedPlanner([
            PlannedResource(
                address: "r/command:count", kind: .command, name: "count",
                attributes: [
                    "state": "present", "check": ["/usr/bin/test", "-s", .string(count)],
                    "run": [
                        "/bin/sh", "-c",
                        .string(
                            "while [ -e \(hold) ]; do sleep 0.1; done; echo made >>\(count)"),
                    ],
                ])
        ])
    }

    private func timesMade() throws -> Int {
        let text = try LocalMachine().textIfPresent(made.path("count")) ?? ""
        return text.utf8.count { $0 == UInt8(ascii: "\n") }
    }

    private func run(_ fleet: LoopbackFleet, _ planner: FixedPlanner, id: String) -> FleetRun {
        let options = RunOptions(
            verb: "apply", mode: .apply, runID: id, requestedBy: "test", deadlineSeconds: 60)
        return FleetRun(
            services: fleet.services(planner), recipe: RunRecipe(options: options), pattern: "all")
    }

    private func digest(_ planner: FixedPlanner) throws -> Digest {
        try #require(planner.plan("md1", facts: KnownFacts()).plan?.digest)
    }

    /// Puts the store back to where a controller died in a state.
    private func die(_ fleet: LoopbackFleet, _ state: HostState, id: String) async throws {
        try await fleet.store.record(
            RunProgress(transitions: [HostTransition(host: "md1", state: state)]), run: id)
        try await fleet.store.withDatabaseForTests("UPDATE runs SET ended = NULL")
    }

    @Test func whatWasDoneIsReadInTheJournalAndNotDoneAgain() async throws {
        let fleet = try LoopbackFleet()
        let planner = try counting()
        let first = try await run(fleet, planner, id: "a1").run(["md1"]) { _ in }
        #expect(first.exitCode == .done)
        try await die(fleet, .planned(plan: try digest(planner), serial: 1), id: "a1")
        #expect(try await fleet.store.unendedRuns().map(\.id) == ["a1"])

        let again = try await run(fleet, planner, id: "a1").resume { _ in }
        let view = try #require(again.view.hosts.first)
        #expect(view.fault?.text == nil)
        #expect(again.exitCode == .done)
        #expect(view.outcome == .changed)
        #expect(view.resources.map(\.outcome) == [.changed])
        #expect(view.notices == ["what came of the run was read in the host's journal"])
        #expect(try timesMade() == 1)
        #expect(try await fleet.store.unendedRuns().isEmpty)
        #expect(
            try await fleet.store.hosts(run: "a1").first?.transition.state.outcome == .changed)
    }

    @Test func whatWasNeverBegunIsDoneNow() async throws {
        let fleet = try LoopbackFleet()
        let planner = try counting()
        let store = fleet.store
        let asked = run(fleet, planner, id: "b2")
        try await store.begin(
            RunRecord(
                id: "b2", verb: "apply", requestedBy: "test", pattern: "all",
                options: asked.recipe.json, applies: true, started: 1),
            hosts: [RunHost(waiting: "md1", expected: try digest(planner))])
        try await die(fleet, .planned(plan: try digest(planner), serial: 1), id: "b2")
        let result = try await asked.resume { _ in }
        #expect(result.view.hosts.first?.outcome == .changed)
        #expect(
            result.view.hosts.first?.notices.contains("run b2 had not begun to change this host")
                == true)
        #expect(try timesMade() == 1)
    }

    @Test func aRunThatIsCarriedOutIsNotTakenOver() async throws {
        let fleet = try LoopbackFleet()
        let planner = try counting()
        _ = try await run(fleet, planner, id: "c3").run(["md1"]) { _ in }
        let hold = try await fleet.store.hold(run: "c3", by: "ops@one")
        let fault = await #expect(throws: StoreError.self) {
            _ = try await run(fleet, planner, id: "c3").resume { _ in }
        }
        #expect(fault?.kind == .held)
        withExtendedLifetime(hold) {}
    }

    /// The second Ctrl-C lets go of a host that is being changed; what came of it is asked later.
    @Test func whatIsLetGoOfIsNotKnownUntilItIsAsked() async throws {
        let fleet = try LoopbackFleet()
        let planner = try counting(waits: true)
        let apply = run(fleet, planner, id: "d4")
        let task = Task { try await apply.run(["md1"]) { _ in } }
        while try await fleet.store.hosts(run: "d4").first?.transition.state.name != .planned {
            try await Task.sleep(for: .milliseconds(20))
        }
        fleet.control.requestStop()
        fleet.control.requestStop()
        let result = try await task.value
        #expect(result.exitCode == .interrupted)
        let view = try #require(result.view.hosts.first { $0.outcome == .unknown })
        #expect(view.fault?.hint?.contains("muster resume d4") == true)
        // Its agent ends at its next safe boundary by itself.
        unlink(made.path("hold"))
        fleet.newOperator()
        let resumed = try await FleetRun(
            services: fleet.services(planner), recipe: apply.recipe, pattern: "all"
        ).resume { _ in }
        #expect(
            resumed.view.hosts.allSatisfy { $0.outcome == .changed || $0.outcome == .asDeclared })
        #expect(resumed.exitCode == .done)
        #expect(try timesMade() == 1)
    }

    @Test func aStoreThatFailsLosesNothing() async throws {
        let fleet = try LoopbackFleet()
        let planner = try counting()
        let options = RunOptions(
            verb: "apply", mode: .apply, runID: "e5", requestedBy: "test", deadlineSeconds: 60)
        let result = try await FleetRun(
            services: fleet.services(planner, store: BrokenStore(inner: fleet.store)),
            recipe: RunRecipe(options: options), pattern: "all"
        ).run(["md1"]) { _ in }
        #expect(result.exitCode == .done)
        #expect(result.view.hosts.map(\.outcome) == [.changed])
        #expect(result.view.notices.contains { $0.contains("database or disk is full") })
        #expect(
            result.view.notices.contains {
                $0.hasPrefix("not in the store: the results of md1.")
                    && $0.contains("unrecorded-e5.jsonl")
            })
        #expect(try await fleet.store.results(run: "e5").isEmpty)
        let next = try SQLiteStore(fleetDirectory: fleet.directory.path)
        #expect(try await next.results(run: "e5").map(\.outcome) == ["changed"])
        #expect(try await next.runs(limit: 1, host: nil).first?.exitCode == 0)
    }

    /// Where nothing can be recorded anywhere no host is changed.
    @Test func whatCannotBeRecordedIsNotBegun() async throws {
        let fleet = try LoopbackFleet()
        let planner = try counting()
        let options = RunOptions(
            verb: "apply", mode: .apply, runID: "f6", requestedBy: "test", deadlineSeconds: 60)
        let result = try await FleetRun(
            services: fleet.services(
                planner, store: BrokenStore(inner: fleet.store),
                folder: fleet.directory.path("missing")),
            recipe: RunRecipe(options: options), pattern: "all"
        ).run(["md1", "md2"]) { _ in }
        #expect(result.exitCode == .hostFailed)
        #expect(result.view.hosts.map(\.outcome) == [.notStarted, .notStarted])
        #expect(result.view.notices.contains { $0.contains("recorded nowhere") })
        #expect(try timesMade() == 0)
    }
}
