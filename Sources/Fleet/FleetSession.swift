import Compiler
import Diagnostics
import FleetModel
import Glibc
import Inventory
import Linux
import Store
import Transport

/// The options of one invocation that concern the fleet directory.
package struct FleetSessionOptions: Sendable {
    package var directory: FleetDirectory
    /// `-i`; if empty, the fleet's own inventory is used.
    package var inventorySources: [String] = []
    /// `--set`.
    package var settings: [String] = []
    /// `--tags`, split.
    package var tags: [String] = []
    /// `--forks`.
    package var width: Int?
    /// `--timeout`.
    package var deadlineSeconds: Int?
    /// The folder of this program.
    package var programFolder: String

    package init(directory: FleetDirectory, programFolder: String) {
        self.directory = directory
        self.programFolder = programFolder
    }
}

/// A fleet directory read for one invocation: settings, inventory, roles and site.
package struct FleetSession: Sendable {
    package let options: FleetSessionOptions
    package let settings: Settings
    package let inventory: InventorySet
    /// Nil where the verb does not compile.
    package let compiler: Compiler?
    package let warnings: [Diagnostic]
    private let acceptsNewKeys: Bool

    /// Reads and checks everything; all faults of all files together.
    package init(
        _ options: FleetSessionOptions, acceptsNewKeys: Bool = false, compiles: Bool = true
    ) throws(Faults) {
        self.options = options
        self.acceptsNewKeys = acceptsNewKeys
        let machine = LocalMachine()
        var bag = DiagnosticBag()
        settings = try Settings.read(try Self.settingsText(options.directory, machine))
        let loaded = try FleetInventory.load(
            fleetDirectory: options.directory.path, sources: options.inventorySources,
            machine: machine, options: Self.inventoryOptions(settings))
        inventory = loaded.inventory
        bag.add(contentsOf: loaded.warnings)
        if compiles {
            let files = DiskFiles.files(in: options.directory)
            let sources = try FleetSources.load(files: files, inventory: inventory)
            bag.add(contentsOf: sources.warnings)
            if !options.tags.isEmpty { try sources.checkTags(options.tags) }
            compiler = try Compiler(sources, settings: options.settings)
        } else {
            compiler = nil
        }
        warnings = bag.all
    }

    /// The deadline of one host's run, in seconds.
    package var deadlineSeconds: Int { options.deadlineSeconds ?? settings.deadlineSeconds }

    /// Seconds that a host may take to come back from a reboot.
    package var rebootSeconds: Int { settings.rebootSeconds }

    /// The hosts that match the patterns and `limit`, in inventory order.
    package func hosts(
        patterns: [String], limit: [String]
    ) throws(Faults) -> [String] {
        try inventory.hosts(matching: patterns, limit: limit, machine: LocalMachine())
    }

    /// The planner of this session; without a compiler it gives every host an empty plan.
    package var planner: any HostPlanner {
        guard let compiler else { return EmptyPlanner() }
        return CompilerPlanner(
            compiler: compiler, tags: options.tags.isEmpty ? nil : options.tags)
    }

    /// Everything a run needs to reach hosts; opens the store.
    package func services(control: RunControl) throws -> FleetServices {
        let router = try HostRouter(
            inventory: inventory, settings: settings, acceptsNewKeys: acceptsNewKeys)
        let width = options.width ?? settings.width
        let agentPath = settings.agentPath.map { PathName.join(options.directory.path, $0) }
        return FleetServices(
            store: try SQLiteStore(fleetDirectory: options.directory.path),
            folder: StoreFolder(fleetDirectory: options.directory.path),
            client: SSHClient(
                options: SSHClientOptions(
                    width: width, widthPerJumpHost: settings.widthPerJumpHost)),
            agents: AgentLibrary(
                explicit: agentPath, folder: options.programFolder,
                localArchitecture: Self.localArchitecture()),
            agentDirectory: settings.agentDirectory, planner: planner, control: control,
            width: width,
            routes: { (host) throws(Faults) in try router.route(to: host) })
    }

    private static func settingsText(
        _ directory: FleetDirectory, _ machine: LocalMachine
    ) throws(Faults) -> SourceText? {
        do throws(SystemError) {
            guard let bytes = try bytesIfPresent(directory.settings, machine) else { return nil }
            return SourceText(
                name: directory.settings, text: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw Faults(
                Diagnostic(
                    "unreadable", "cannot read \(directory.settings): \(error.reason)",
                    hint: error.hint))
        }
    }

    private static func bytesIfPresent(
        _ path: String, _ machine: LocalMachine
    ) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try machine.read(path, limit: 1 << 20)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Inventory executables get the caller's environment, as under Ansible.
    private static func inventoryOptions(_ settings: Settings) -> InventoryOptions {
        var options = InventoryOptions()
        if let seconds = settings.inventoryScriptSeconds { options.scriptTimeoutSeconds = seconds }
        options.environment = Environment.all
        return options
    }

    private static func localArchitecture() -> String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: name.machine) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

/// The planner for verbs without a plan.
private struct EmptyPlanner: HostPlanner {
    func plan(_ host: String, facts: KnownFacts) -> PlannedHost {
        PlannedHost(plan: CompiledPlan(Plan(host: host)))
    }

    func bytes(of blob: Blob) throws(AgentFault) -> [UInt8] {
        throw AgentFault("blob", "read a blob", cause: "this verb has no plan")
    }
}
