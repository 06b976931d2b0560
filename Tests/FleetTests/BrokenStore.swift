import FleetModel
import Runs
import Store
import Synchronization
import Wire

/// A store whose disk is full from the first record of a run on.
struct BrokenStore: RunStore {
    let inner: SQLiteStore

    var place: String { inner.place }
    private var failure: StoreError {
        StoreError(
            .full, attempted: "record the result", path: place, cause: "database or disk is full")
    }

    func begin(_ run: RunRecord, hosts: [RunHost]) async throws(StoreError) {
        try await inner.begin(run, hosts: hosts)
    }
    func record(_ progress: RunProgress, run: String) async throws(StoreError) { throw failure }
    func end(_ ending: RunEnding, run: String) async throws(StoreError) { throw failure }
    func runs(limit: Int, host: String?) async throws(StoreError) -> [RunRecord] {
        try await inner.runs(limit: limit, host: host)
    }
    func runs(idPrefix prefix: String) async throws(StoreError) -> [RunRecord] {
        try await inner.runs(idPrefix: prefix)
    }
    func unendedRuns() async throws(StoreError) -> [RunRecord] { try await inner.unendedRuns() }
    func hosts(run: String) async throws(StoreError) -> [RunHost] {
        try await inner.hosts(run: run)
    }
    func results(run: String) async throws(StoreError) -> [HostRecord] {
        try await inner.results(run: run)
    }
    func hold(run: String, by holder: String) async throws(StoreError) -> any RunHold {
        try await inner.hold(run: run, by: holder)
    }
    func holder(run: String) async throws(StoreError) -> String? {
        await inner.holder(run: run)
    }
    func save(_ facts: FactsRecord) async throws(StoreError) { throw failure }
    func facts(of host: String) async throws(StoreError) -> FactsRecord? {
        try await inner.facts(of: host)
    }
    func nextSerial(of host: String, after accepted: Int?) async throws(StoreError) -> Int {
        try await inner.nextSerial(of: host, after: accepted)
    }
    func save(_ plan: SavedPlan) async throws(StoreError) { throw failure }
    func plan(idPrefix prefix: String) async throws(StoreError) -> SavedPlan? {
        try await inner.plan(idPrefix: prefix)
    }
}
