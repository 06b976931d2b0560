import FleetModel
import Runs
import Store
import TestSupport
import Testing
import Views
import Wire

/// What holds of every store.
@Suite struct RunStoreTests {
    private static let plan = Digest(of: [1, 2])

    private func run(_ id: String = "7f3a", started: Double = 10) -> RunRecord {
        RunRecord(
            id: id, verb: "apply", requestedBy: "ops@jump", pattern: "all",
            options: ["canary": 1], applies: true, started: started)
    }

    /// Every state a host can be recorded in.
    static let states: [HostState] = [
        .waiting, .connecting(after: .nothing), .connecting(after: .plan(plan, serial: 3)),
        .planned(plan: plan, serial: 4), .running(plan: plan, serial: 4),
        .rebooting(plan: plan, boot: "b-1"), .back(plan: plan, serial: 5),
        .ended(.changed, from: .plan(plan, serial: 5)),
        .ended(.unknown, from: .reboot(plan, boot: "b-1")), .ended(.notStarted, from: .nothing),
    ]

    @Test(arguments: Backend.all) func statesOfHostsComeBackAsTheyWere(_ backend: Backend)
        async throws
    {
        let directory = try TemporaryDirectory()
        let hosts = Self.states.indices.map { "h\($0)" }
        do {
            let store = try backend.open(directory.path)
            try await store.begin(
                run(), hosts: hosts.map { RunHost(waiting: $0, expected: Self.plan) })
            let transitions = zip(hosts, Self.states).map { host, state in
                HostTransition(
                    host: host, state: state, isGood: state.outcome.map { $0 == .changed })
            }
            try await store.record(RunProgress(transitions: transitions), run: "7f3a")
        }
        let store = try backend.open(directory.path)
        let found = try await store.hosts(run: "7f3a")
        #expect(found.map(\.host) == hosts)
        #expect(found.map(\.transition.state) == Self.states)
        #expect(found.allSatisfy { $0.expected == Self.plan })
        #expect(found.map(\.transition.isGood).compactMap { $0 } == [true, false, false])
        #expect(try await store.unendedRuns().map(\.id) == ["7f3a"])
        #expect(try await store.runs(limit: 5, host: "h3").map(\.id) == ["7f3a"])
    }

    @Test(arguments: Backend.all) func runsAndResultsAreKept(_ backend: Backend) async throws {
        let directory = try TemporaryDirectory()
        let report: JSON = ["changes": [["attribute": "value"]]]
        do {
            let store = try backend.open(directory.path)
            try await store.begin(run(), hosts: [RunHost(waiting: "a"), RunHost(waiting: "b")])
            let first = HostRecord(host: "b", outcome: "failed", plan: nil, report: .null)
            try await store.record(RunProgress(results: [first]), run: "7f3a")
            let results = ["b", "a"].map {
                HostRecord(host: $0, outcome: "changed", plan: Self.plan, report: report)
            }
            try await store.record(RunProgress(results: results), run: "7f3a")
            try await store.end(
                RunEnding(time: 12, exitCode: 2, summary: ["hosts": 2]), run: "7f3a")
        }
        let store = try backend.open(directory.path)
        var expected = run()
        expected.ended = 12
        expected.exitCode = 2
        expected.summary = ["hosts": 2]
        #expect(try await store.runs(limit: 5, host: nil) == [expected])
        let results = try await store.results(run: "7f3a")
        #expect(results.map(\.host) == ["a", "b"])
        #expect(results.allSatisfy { $0.outcome == "changed" && $0.report == report })
        #expect(try await store.runs(limit: 5, host: "c").isEmpty)
        #expect(try await store.runs(idPrefix: "7f").map(\.id) == ["7f3a"])
        #expect(try await store.runs(idPrefix: "%").isEmpty)
        #expect(try await store.unendedRuns().isEmpty)
    }

    /// What is recorded together is kept together, or not at all.
    @Test(arguments: Backend.all) func halfARecordIsNone(_ backend: Backend) async throws {
        let directory = try TemporaryDirectory()
        let store = try backend.open(directory.path)
        try await store.begin(run(), hosts: [RunHost(waiting: "a")])
        let moved = HostTransition(host: "a", state: .planned(plan: Self.plan, serial: 1))
        let stray = HostRecord(host: "a", outcome: "changed", plan: nil, report: .null)
        await #expect(throws: StoreError.self) {
            try await store.record(
                RunProgress(transitions: [moved], results: [stray]), run: "no such run")
        }
        #expect(try await store.hosts(run: "7f3a").map(\.transition.state) == [.waiting])
        #expect(try await store.results(run: "7f3a").isEmpty)
    }

    @Test(arguments: Backend.all) func factsAndSerials(_ backend: Backend) async throws {
        let directory = try TemporaryDirectory()
        let store = try backend.open(directory.path)
        #expect(try await store.facts(of: "a") == nil)
        for taken in [1.0, 2.0] {
            let facts: JSON = ["taken": .number(taken)]
            try await store.save(
                FactsRecord(
                    host: "a", digest: Digest(of: facts.canonicalBytes), facts: facts, taken: taken)
            )
        }
        #expect(try await store.facts(of: "a")?.taken == 2)
        // A host that another controller applied to is gone on with from where it is.
        let accepted: [Int?] = [nil, 0, 2, 7, nil, 1_790_000_000_000, nil]
        var serials: [Int] = []
        for last in accepted { serials.append(try await store.nextSerial(of: "a", after: last)) }
        #expect(serials == [1, 2, 3, 8, 9, 1_790_000_000_001, 1_790_000_000_002])
        #expect(try await store.nextSerial(of: "b", after: nil) == 1)
        await #expect(throws: StoreError.self) {
            try await store.nextSerial(of: "b", after: Int.max)
        }
    }

    @Test(arguments: Backend.all) func savedPlansComeBackAsTheyWere(_ backend: Backend) async throws
    {
        let directory = try TemporaryDirectory()
        let store = try backend.open(directory.path)
        let plans = ["a", "b"].map { host in
            CompiledPlan(
                Plan(
                    host: host,
                    resources: [PlannedResource(address: "r/sysctl:x", kind: .sysctl, name: "x")]),
                origins: ["r/sysctl:x": "Roles/r/role.yaml:3"])
        }
        let saved = SavedPlan(
            id: "c0ffee01", created: 5, requestedBy: "ops", arguments: ["tags": []], plans: plans)
        try await store.save(saved)
        #expect(try await store.plan(idPrefix: "c0ffee") == saved)
        #expect(try await store.plan(idPrefix: "dead") == nil)
        await #expect(throws: StoreError.self) { try await store.save(saved) }
    }

    @Test(arguments: Backend.all) func aRunIsHeldByOneAtATime(_ backend: Backend) async throws {
        let directory = try TemporaryDirectory()
        let store = try backend.open(directory.path)
        let other = try backend.open(directory.path)
        do {
            let hold = try await store.hold(run: "7f3a", by: "ops@one")
            let fault = await #expect(throws: StoreError.self) {
                _ = try await other.hold(run: "7f3a", by: "ops@two")
            }
            #expect(fault?.kind == .held)
            #expect(fault?.cause.contains("ops@one") == true)
            #expect(try await other.holder(run: "7f3a")?.contains("ops@one") == true)
            withExtendedLifetime(hold) {}
        }
        #expect(try await other.holder(run: "7f3a") == nil)
        _ = try await other.hold(run: "7f3a", by: "ops@two")
    }
}
