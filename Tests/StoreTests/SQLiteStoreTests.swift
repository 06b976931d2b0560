import FleetModel
import Glibc
import Linux
import Runs
import Store
import TestSupport
import Testing
import Views
import Wire

/// What only a file of SQLite can do to us.
@Suite struct SQLiteStoreTests {
    private func begun(_ store: SQLiteStore, _ hosts: [String] = ["a"]) async throws {
        try await store.begin(
            RunRecord(
                id: "1", verb: "apply", requestedBy: "ops", pattern: "all", applies: true,
                started: 0),
            hosts: hosts.map { RunHost(waiting: $0) })
    }

    private func result(_ host: String, _ text: String = "x") -> RunProgress {
        RunProgress(
            transitions: [
                HostTransition(host: host, state: .ended(.changed, from: .nothing), isGood: true)
            ],
            results: [HostRecord(host: host, outcome: "changed", plan: nil, report: .string(text))])
    }

    @Test func aNewerStoreIsRefusedUnchanged() async throws {
        let directory = try TemporaryDirectory()
        let store = try SQLiteStore(fleetDirectory: directory.path)
        try await store.withDatabaseForTests("INSERT INTO migrations VALUES ('2099-future', 0)")
        for purpose in [SQLiteStore.Purpose.recording, .reading] {
            let fault = try #require(throws: StoreError.self) {
                _ = try SQLiteStore(fleetDirectory: directory.path, for: purpose)
            }
            #expect(fault.kind == .newer)
            #expect(fault.cause.contains("2099-future"))
        }
    }

    @Test func aDamagedStoreIsNamed() throws {
        let directory = try TemporaryDirectory()
        mkdir(directory.path(".muster"), 0o700)
        try Descriptor.open(directory.path(".muster/state.db"), O_WRONLY | O_CREAT, mode: 0o600)
            .writeAll(Array("this is no database, whatever its name says".utf8))
        for purpose in [SQLiteStore.Purpose.recording, .reading] {
            let fault = try #require(throws: StoreError.self) {
                _ = try SQLiteStore(fleetDirectory: directory.path, for: purpose)
            }
            #expect(fault.kind == .corrupt)
            #expect(fault.hint.contains(".damaged"))
        }
    }

    @Test func aLockedStoreSaysSo() async throws {
        let directory = try TemporaryDirectory()
        let holder = try SQLiteStore(fleetDirectory: directory.path)
        try await begun(holder)
        try await holder.withDatabaseForTests("BEGIN IMMEDIATE")
        let other = try SQLiteStore(fleetDirectory: directory.path, for: .reading)
        // A reader does not wait for the writer.
        #expect(try await other.runs(limit: 1, host: nil).count == 1)
        let fault = try #require(throws: StoreError.self) {
            _ = try SQLiteStore(fleetDirectory: directory.path)
        }
        #expect(fault.kind == .locked)
        try await holder.withDatabaseForTests("ROLLBACK")
    }

    /// A full disk, made of a tmpfs in a mount of the test's own.
    @Test func aFullDiskLosesNothing() async throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=400k") == 0)
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        let store = try SQLiteStore(fleetDirectory: directory.path)
        let hosts = (0..<1_000).map { "h\(1000 + $0)" }
        try await begun(store, Array(hosts.prefix(50)))
        var recorded: [String] = []
        var fault: StoreError?
        for host in hosts where fault == nil {
            do throws(StoreError) {
                try await store.record(result(host, String(repeating: "x", count: 4_000)), run: "1")
                recorded.append(host)
            } catch {
                fault = error
            }
        }
        #expect(fault?.kind == .full)
        #expect(recorded.count > 5)
        #expect(try await store.results(run: "1").map(\.host) == recorded)
    }

    /// One who may read the file and write nothing, not even beside it.
    @Test func aReaderNeedsNoRightToWrite() async throws {
        let directory = try TemporaryDirectory()
        do { try await begun(try SQLiteStore(fleetDirectory: directory.path)) }
        let folder = directory.path(".muster")
        // Read-only for root as well.
        try #require(mount(folder, folder, nil, UInt(MS_BIND), nil) == 0)
        defer { umount2(folder, Int32(MNT_DETACH)) }
        let flags = UInt(MS_BIND) | UInt(MS_REMOUNT) | UInt(MS_RDONLY)
        try #require(mount(nil, folder, nil, flags, nil) == 0)
        let store = try SQLiteStore(fleetDirectory: directory.path, for: .reading)
        #expect(try await store.runs(limit: 1, host: nil).map(\.id) == ["1"])
        #expect(try await store.hosts(run: "1").count == 1)
        #expect(throws: StoreError.self) { try SQLiteStore(fleetDirectory: directory.path) }
    }

    @Test func aReaderFindsNoStoreWhereThereIsNone() throws {
        let directory = try TemporaryDirectory()
        let fault = try #require(throws: StoreError.self) {
            _ = try SQLiteStore(fleetDirectory: directory.path, for: .reading)
        }
        #expect(fault.kind == .missing)
        #expect(try LocalMachine().statusIfPresent(directory.path(".muster")) == nil)
    }

    @Test func whatTheStoreDidNotTakeIsTakenInByTheNext() async throws {
        let directory = try TemporaryDirectory()
        let folder = StoreFolder(fleetDirectory: directory.path)
        do { try await begun(try SQLiteStore(fleetDirectory: directory.path), ["a", "b"]) }
        let unrecorded = Unrecorded(run: "1", in: folder)
        try unrecorded.append(.progress(result("a")))
        try unrecorded.append(.end(RunEnding(time: 9, exitCode: 0, summary: ["hosts": 2])))
        // A power cut while the last line was written.
        try Descriptor.open(unrecorded.path, O_WRONLY | O_APPEND).writeAll(
            Array(#"{"transit"#.utf8))
        // A run that is being carried out is left alone.
        let other = Unrecorded(run: "2", in: folder)
        try other.append(.progress(result("z")))
        do {
            let store = try SQLiteStore(fleetDirectory: directory.path)
            #expect(try await store.results(run: "1").map(\.host) == ["a"])
            #expect(try await store.runs(limit: 1, host: nil).first?.exitCode == 0)
            let states = try await store.hosts(run: "1").map(\.transition.state)
            #expect(states == [.ended(.changed, from: .nothing), .waiting])
        }
        #expect(try LocalMachine().statusIfPresent(unrecorded.path) == nil)
        #expect(try LocalMachine().statusIfPresent(other.path) != nil)
    }

    @Test func aStoreOfAnEarlierMusterIsBroughtUpToDate() async throws {
        let directory = try TemporaryDirectory()
        do {
            let store = try SQLiteStore(fleetDirectory: directory.path)
            try await begun(store)
            for sql in [
                "DROP TABLE run_hosts", "ALTER TABLE runs DROP COLUMN options",
                "ALTER TABLE runs DROP COLUMN applies",
                "ALTER TABLE plan_hosts DROP COLUMN origins",
                "DELETE FROM migrations WHERE name = '2026-12-states-of-hosts'",
            ] { try await store.withDatabaseForTests(sql) }
        }
        let fault = try #require(throws: StoreError.self) {
            _ = try SQLiteStore(fleetDirectory: directory.path, for: .reading)
        }
        #expect(fault.kind == .readOnly)
        let store = try SQLiteStore(fleetDirectory: directory.path)
        #expect(try await store.runs(limit: 1, host: nil).map(\.id) == ["1"])
        #expect(try await store.hosts(run: "1").isEmpty)
    }

    @Test(arguments: StoreError.Kind.allCases) func everyFaultHasAWayOut(kind: StoreError.Kind) {
        let fault = StoreError(kind, attempted: "read x", path: "/f/state.db", cause: "c")
        #expect(fault.summary == "cannot read x in /f/state.db: c")
        #expect(!fault.hint.isEmpty)
    }
}
