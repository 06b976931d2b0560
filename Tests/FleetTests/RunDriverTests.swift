import Diagnostics
import FleetModel
import Runs
import Store
import Synchronization
import TestSupport
import Testing
import Views

@testable import Fleet

/// What the driver of a run promises to its caller.
@Suite(.timeLimit(.minutes(1))) struct RunDriverTests {
    /// A plan that a conversation leaves for the caller after its last word is there when the run is over:
    /// an apply compares the plan that was confirmed with the one it sends.
    @Test func isOverOnlyWhenTheConversationsAre() async throws {
        let directory = try TemporaryDirectory()
        let store = try SQLiteStore(fleetDirectory: directory.path)
        let hosts = (1...20).map { "newc-\($0)" }
        try await store.begin(
            RunRecord(
                id: "0a1b2c3d", verb: "plan", requestedBy: "test", pattern: "all", started: 0),
            hosts: hosts.map { RunHost(HostTransition(host: $0, state: .waiting)) })
        let left = Mutex<Set<String>>([])
        let driver = RunDriver(
            recorder: RunRecorder(
                store, run: "0a1b2c3d", folder: StoreFolder(fleetDirectory: directory.path)),
            control: RunControl(),
            converse: { line, _ in
                line.view = HostView(host: line.host, outcome: .asDeclared)
                try? await Task.sleep(for: .milliseconds(50))
                _ = left.withLock { $0.insert(line.host) }
            }, onEvent: { _ in },
            fault: { _, _, _ in AgentFault("test", "test", cause: "abandoned") })
        let result = await driver.drive(RunMachine(hosts: hosts, applies: false, width: 5))
        #expect(left.withLock { $0 } == Set(hosts))
        #expect(result.views.count == hosts.count)
        #expect(result.machine.exitCode == .done)
    }
}
