import Compiler
import Diagnostics
import Fleet
import FleetModel
import Linux
import Store
import Synchronization
import TestSupport
import Testing
import Transport
import Views
import Wire

/// A planner that gives every host the same resources.
struct FixedPlanner: HostPlanner {
    let resources: [PlannedResource]
    let blobs: [Blob]

    init(_ resources: [PlannedResource], blobs: [Blob] = []) {
        self.resources = resources
        self.blobs = blobs
    }

    func plan(_ host: String, facts: KnownFacts) -> PlannedHost {
        PlannedHost(
            plan: CompiledPlan(Plan(host: host, resources: resources)),
            blobs: Dictionary(uniqueKeysWithValues: blobs.map { ($0.digest, $0) }))
    }

    func bytes(of blob: Blob) throws(AgentFault) -> [UInt8] {
        guard case .bytes(let bytes) = blob.source else {
            throw AgentFault("blob", "read a blob", cause: "not in memory")
        }
        return bytes
    }
}

/// A fleet of one real sshd on loopback, with a state directory of its own on the "host".
final class LoopbackFleet: Sendable {
    let server: SSHServer
    let directory: TemporaryDirectory
    let store: SQLiteStore
    private let asked = Mutex(RunControl())
    /// What the operator asks of the runs of this fleet; see ``newOperator()``.
    var control: RunControl { asked.withLock { $0 } }
    private let agentDirectory: String?

    init(agentDirectory: String? = nil, _ configuration: [String] = []) throws {
        server = try SSHServer(configuration)
        directory = try TemporaryDirectory()
        store = try SQLiteStore(fleetDirectory: directory.path)
        self.agentDirectory = agentDirectory
    }

    /// The next runs are another call of the program.
    func newOperator() { asked.withLock { $0 = RunControl() } }

    func services(_ planner: any HostPlanner, store: (any RunStore)? = nil, folder: String? = nil)
        -> FleetServices
    {
        let server = server
        return FleetServices(
            store: store ?? self.store,
            folder: StoreFolder(fleetDirectory: folder ?? directory.path), client: SSHClient(),
            agents: AgentLibrary(
                explicit: nil, folder: BuiltProgram.folder, localArchitecture: "x86_64"),
            agentDirectory: agentDirectory ?? directory.path("host"), planner: planner,
            control: control, width: 8,
            routes: { host in
                HostRoute(
                    host: host,
                    target: SSHTarget(
                        name: host, address: "127.0.0.1", port: server.port, user: "root",
                        identityFiles: [server.clientKey], identitiesOnly: true,
                        knownHostsFiles: [server.knownHosts],
                        // A loaded machine is slow, not silent.
                        connectTimeoutSeconds: 60, way: .libssh2))
            })
    }

    func run(
        _ mode: RunRequest.Mode, _ planner: any HostPlanner, hosts: [String] = ["md1"],
        expected: [String: Digest]? = nil, store: SQLiteStore? = nil
    ) async throws -> FleetRun.Result {
        let options = RunOptions(
            verb: mode == .apply ? "apply" : "check", mode: mode, runID: RunIdentity.newID(),
            requestedBy: "test", deadlineSeconds: 60, wantsContent: true)
        let run = FleetRun(
            services: services(planner, store: store), recipe: RunRecipe(options: options),
            pattern: "all")
        return try await run.run(hosts, expected: expected, keepsPlans: true) { _ in }
    }
}

@Suite(.timeLimit(.minutes(3))) struct LoopbackRunTests {
    @Test func aFileIsFoundPutInPlaceAndFoundAsDeclared() async throws {
        let fleet = try LoopbackFleet()
        let path = fleet.directory.path("motd")
        let blob = Blob(bytes: Array("hello\n".utf8), isSecret: false)
        let planner = FixedPlanner(
            [
                PlannedResource(
                    address: "r/file:\(path)", kind: .file, name: path,
                    attributes: [
                        "content_digest": .string(blob.digest.description), "content_size": 6,
                        "mode": "0600", "state": "present",
                    ])
            ], blobs: [blob])

        let check = try await fleet.run(.check, planner)
        #expect(check.exitCode == .differences)
        let view = try #require(check.view.hosts.first)
        #expect(view.fault?.text == nil)
        #expect(view.end?.stopped == nil)
        #expect(view.outcome == .differs)
        #expect(view.notices == ["the agent was sent"])
        #expect(view.resources.first?.outcome == .wouldChange)
        #expect(view.resources.first?.changes.contains { $0.afterText == "hello\n" } == true)
        #expect(try LocalMachine().statusIfPresent(path) == nil)

        let apply = try await fleet.run(.apply, planner)
        #expect(apply.exitCode == .done)
        #expect(apply.view.hosts.first?.outcome == .changed)
        #expect(apply.view.hosts.first?.notices == [])
        #expect(try LocalMachine().textIfPresent(path) == "hello\n")

        let again = try await fleet.run(.apply, planner)
        #expect(again.view.hosts.first?.outcome == .asDeclared)
        #expect(again.view.hosts.first?.resources.first?.reason.isEmpty == false)
        #expect(try await fleet.run(.check, planner).exitCode == .done)
        #expect(
            try await fleet.store.runs(limit: 10, host: nil).map(\.verb) == [
                "check", "apply", "apply", "check",
            ])
    }

    @Test func aPlanOtherThanTheOneShownIsRefused() async throws {
        let fleet = try LoopbackFleet()
        let result = try await fleet.run(
            .apply, FixedPlanner([]), expected: ["md1": Digest(of: [1])])
        #expect(result.exitCode == .refused)
        #expect(result.view.hosts.first?.fault?.code == "stale-plan")
    }

    @Test func aControllerWithANewStoreGoesOnFromTheHostsLastSerial() async throws {
        let fleet = try LoopbackFleet()
        let other = try TemporaryDirectory()
        let stores = [fleet.store, try SQLiteStore(fleetDirectory: other.path)]
        // One controller is far ahead of the other, and they take turns.
        _ = try await stores[0].nextSerial(of: "md1", after: 1_790_000_000_000)
        for turn in 0..<4 {
            let result = try await fleet.run(.apply, FixedPlanner([]), store: stores[turn % 2])
            #expect(result.view.hosts.first?.fault?.text == nil)
            #expect(result.exitCode == .done)
        }
    }

    @Test func aDamagedAgentIsSentAgain() async throws {
        let fleet = try LoopbackFleet()
        _ = try await fleet.run(.check, FixedPlanner([]))
        let folder = fleet.directory.path("host/bin")
        let name = try #require(try LocalMachine().list(folder).first)
        let content = try LocalMachine().read(folder + "/" + name, limit: 1 << 30)
        try LocalMachine().replaceFile(
            folder + "/" + name, content: Array(content.prefix(100_000)), mode: 0o700, uid: 0,
            gid: 0)
        let result = try await fleet.run(.check, FixedPlanner([]))
        #expect(result.exitCode == .done)
        #expect(result.view.hosts.first?.notices == ["the agent was sent"])
    }

    @Test func aStateDirectoryThatCannotBeWrittenIsSaid() async throws {
        let fleet = try LoopbackFleet(agentDirectory: "/proc/muster")
        let result = try await fleet.run(.check, FixedPlanner([]))
        #expect(result.exitCode == .hostFailed)
        #expect(result.view.hosts.first?.fault?.code == "upload")
        #expect(result.view.hosts.first?.fault?.hint?.contains("agent_dir") == true)
    }

    @Test func aShellThatDoesNotRunCommandsIsSaid() async throws {
        let fleet = try LoopbackFleet(["ForceCommand /bin/echo this account is for sftp only"])
        let result = try await fleet.run(.check, FixedPlanner([]))
        #expect(result.view.hosts.first?.fault?.code == "not-an-agent")
        #expect(result.view.hosts.first?.fault?.cause.contains("sftp only") == true)
    }
}
