import FleetModel
import Glibc
import Linux
import Store
import TestSupport
import Testing
import Wire

@Suite struct StoreTests {
    private func withStore(_ body: (Store, String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            try body(try Store(fleetDirectory: directory), directory)
        }
    }

    @Test func keepsRunsAndResultsAcrossReopening() throws {
        try withTemporaryDirectory { directory in
            let run = RunRecord(
                id: "7f3a", verb: "check", requestedBy: "ops@jump", pattern: "all", started: 10)
            let report: JSON = ["changes": [["attribute": "value"]]]
            do {
                let store = try Store(fleetDirectory: directory)
                try store.begin(run)
                let first = HostRecord(host: "b", outcome: "failed", plan: nil, report: .null)
                try store.record(first, run: run.id)
                let digest = Digest(of: [1, 2])
                for host in ["b", "a"] {
                    let result = HostRecord(
                        host: host, outcome: "would_change", plan: digest, report: report)
                    try store.record(result, run: run.id)
                }
                try store.end(run: run.id, at: 12, exitCode: 2, summary: ["hosts": 2])
            }
            let store = try Store(fleetDirectory: directory)
            let found = try #require(try store.runs(limit: 5).first)
            #expect(found.ended == 12 && found.exitCode == 2 && found.summary == ["hosts": 2])
            let results = try store.results(run: "7f3a")
            #expect(results.map(\.host) == ["a", "b"])
            #expect(results.allSatisfy { $0.outcome == "would_change" && $0.report == report })
            #expect(try store.runs(limit: 5, host: "c").isEmpty)
            #expect(try store.runs(idPrefix: "7f").map(\.id) == ["7f3a"])
            #expect(try store.runs(idPrefix: "%").isEmpty)
        }
    }

    @Test func factsAndSerials() throws {
        try withStore { store, _ in
            #expect(try store.facts(of: "a") == nil)
            for taken in [1.0, 2.0] {
                let facts: JSON = ["taken": .number(taken)]
                let digest = Digest(of: facts.canonicalBytes)
                try store.save(FactsRecord(host: "a", digest: digest, facts: facts, taken: taken))
            }
            #expect(try store.facts(of: "a")?.taken == 2)
            // One after the other, and on from what the host accepted of other controllers.
            let accepted = [nil, 0, 1, 7, 3, 1_790_000_000_000, nil]
            let serials = try accepted.map { try store.nextSerial(of: "a", after: $0) }
            #expect(
                serials == [1, 2, 3, 8, 9, 1_790_000_000_001, 1_790_000_000_002])
            #expect(try store.nextSerial(of: "b", after: nil) == 1)
            try store.withDatabaseForTests("UPDATE serials SET serial = \(Int.max)")
            #expect(throws: StoreError.self) { try store.nextSerial(of: "b", after: nil) }
        }
    }

    @Test func savedPlansComeBackAsTheyWere() throws {
        try withStore { store, _ in
            let plans = ["a", "b"].map { host in
                Plan(
                    host: host,
                    resources: [PlannedResource(address: "r/sysctl:x", kind: .sysctl, name: "x")])
            }
            let saved = SavedPlan(
                id: "c0ffee01", created: 5, requestedBy: "ops", arguments: ["tags": []],
                plans: plans)
            try store.save(saved)
            #expect(try store.plan(idPrefix: "c0ffee") == saved)
            #expect(try store.plan(idPrefix: "dead") == nil)
            #expect(throws: StoreError.self) { try store.save(saved) }
        }
    }

    @Test func aNewerStoreIsRefusedUnchanged() throws {
        try withTemporaryDirectory { directory in
            let store = try Store(fleetDirectory: directory)
            try store.withDatabaseForTests("INSERT INTO migrations VALUES ('2099-future', 0)")
            let fault = try #require(throws: StoreError.self) {
                _ = try Store(fleetDirectory: directory)
            }
            #expect(fault.kind == .newer)
            #expect(fault.cause.contains("2099-future"))
        }
    }

    @Test func aDamagedStoreIsNamed() throws {
        try withTemporaryDirectory { directory in
            mkdir(directory + "/.muster", 0o700)
            let path = directory + "/.muster/state.db"
            try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o600)
                .writeAll(Array("this is no database, whatever its name says".utf8))
            let fault = try #require(throws: StoreError.self) {
                _ = try Store(fleetDirectory: directory)
            }
            #expect(fault.kind == .corrupt)
            #expect(fault.hint.contains(".damaged"))
        }
    }

    @Test func aLockedStoreSaysSo() throws {
        try withTemporaryDirectory { directory in
            let holder = try Store(fleetDirectory: directory)
            try holder.withDatabaseForTests("BEGIN EXCLUSIVE")
            let fault = try #require(throws: StoreError.self) {
                let store = try Store(fleetDirectory: directory)
                let run = RunRecord(
                    id: "1", verb: "check", requestedBy: "ops", pattern: "", started: 0)
                try store.begin(run)
            }
            #expect(fault.kind == .locked)
            try holder.withDatabaseForTests("ROLLBACK")
        }
    }

    /// A full disk, made of a tmpfs in a mount of the test's own.
    @Test func aFullDiskLosesNothing() throws {
        try withTemporaryDirectory { directory in
            try #require(mount("tmpfs", directory, "tmpfs", 0, "size=400k") == 0)
            defer { umount2(directory, Int32(MNT_DETACH)) }
            let store = try Store(fleetDirectory: directory)
            let run = RunRecord(id: "1", verb: "check", requestedBy: "o", pattern: "", started: 0)
            try store.begin(run)
            var recorded: [String] = []
            let fault = try #require(throws: StoreError.self) {
                for index in 0..<1_000 {
                    let text = String(repeating: "x", count: 4_000)
                    let result = HostRecord(
                        host: "h\(1000 + index)", outcome: "ok", plan: nil, report: .string(text))
                    try store.record(result, run: "1")
                    recorded.append(result.host)
                }
            }
            #expect(fault.kind == .full)
            #expect(fault.summary.contains("record the result of h"))
            #expect(recorded.count > 5)
            #expect(try store.results(run: "1").map(\.host) == recorded)
        }
    }

    @Test(arguments: [
        StoreError.Kind.newer, .corrupt, .locked, .full, .readOnly, .cannotOpen, .other,
    ])
    func everyFaultHasAWayOut(kind: StoreError.Kind) {
        let fault = StoreError(kind, attempted: "read x", path: "/f/state.db", cause: "c")
        #expect(fault.summary == "cannot read x in /f/state.db: c")
        #expect(!fault.hint.isEmpty)
    }
}
