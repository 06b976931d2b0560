import CommandLineKit
import Compiler
import Diagnostics
import FleetModel
import HostFacts
import Isolation
import Kinds
import Linux
import Presentation
import Wire

/// `muster isolation`: which CPUs would do what on a machine, before anything is applied.
enum IsolationCommand: Command {
    static let spec = VerbSpec(
        "isolation", "shows how the CPUs of a host would be isolated, contacting nobody",
        description: [
            "From the facts of HOST in the store, a file of facts, or a copied root: which CPUs keep "
                + "house, which are isolated, which of them applications are pinned to (hot) and which "
                + "are left idle (parked), with every setting that follows.",
            "Cores are isolated whole. The boot CPU's core and at least one core of each NUMA node "
                + "always keep house.",
        ],
        arguments: [ArgumentSpec("HOST", "a host whose facts are in the store")],
        options: CommandTable.inventory + [
            OptionSpec("facts", .text("FILE"), "facts as `muster facts --format json` prints them"),
            OptionSpec("root", .text("DIR"), "a copy of a host's /proc, /sys and /etc"),
            OptionSpec(
                "isolate", .text("WHICH"), "all (default), node=N, near=INTERFACE, or CPUs: 2-7,10"),
            OptionSpec(
                "housekeeping-cores", .integer("N", minimum: 1),
                "cores of each NUMA node that keep house (1)"),
            OptionSpec("near", .text("INTERFACE"), "hot CPUs lie on the node of this interface"),
            OptionSpec(
                "smt", .oneOf(IsolationPolicy.Threads.allCases.map(\.rawValue)),
                "second threads of isolated cores: used, left idle, or all off (keep)"),
            OptionSpec(
                "mechanism", .oneOf(IsolationPolicy.Mechanism.allCases.map(\.rawValue)),
                "isolcpus= at boot, or a cgroup-v2 partition (boot)"),
        ],
        examples: [
            (
                "muster isolation ld4-md001 --near enp65s0 --smt park",
                "one thread of each core, near the NIC"
            ),
            (
                "muster isolation --root ./dump --isolate node=1",
                "for a machine that is not in the inventory"
            ),
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let policy = try policy(context)
        let (host, facts) = try facts(context)
        do {
            let topology = try MachineTopology(facts: facts)
            let plan = try IsolationPlan(policy, on: topology)
            let view = plan.json(on: topology, host: host)
            try show(view, context)
            return .done
        } catch let error as IsolationRefusal {
            throw Diagnostic(
                "isolation-refused", "cannot isolate these CPUs of \(host): \(error.cause)",
                hint: error.hint, exitCode: .refused)
        }
    }

    private static func show(_ view: JSON, _ context: CommandContext) throws(JSONError) {
        if context.format == "text" {
            context.output.data(try IsolationText(style: context.output.style).render(view))
        } else {
            context.output.data(view, format: context.format)
        }
    }

    private static func policy(_ context: CommandContext) throws(Diagnostic) -> IsolationPolicy {
        var policy = IsolationPolicy()
        let call = context.invocation
        if let text = call.value("isolate") {
            do throws(ValueFault) {
                policy.scope = try IsolationPolicy.scope(text)
            } catch {
                throw Diagnostic(
                    "usage", "--isolate: \(error.message)",
                    hint: error.hint ?? "give all, node=N, near=INTERFACE or CPUs: 2-7,10",
                    exitCode: .usage)
            }
        }
        policy.housekeepingCoresPerNode = call.integer("housekeeping-cores") ?? 1
        policy.near = call.value("near")
        policy.threads = call.value("smt").flatMap(IsolationPolicy.Threads.init) ?? .keep
        policy.mechanism = call.value("mechanism").flatMap(IsolationPolicy.Mechanism.init) ?? .boot
        return policy
    }

    // MARK: Whose facts

    private static func facts(_ context: CommandContext) throws -> (host: String, hardware: JSON) {
        let host = context.invocation.arguments.first
        let file = context.invocation.value("facts")
        let root = context.invocation.value("root")
        guard [host, file, root].count(where: { $0 != nil }) == 1 else {
            throw Diagnostic(
                "usage", "isolation needs one of HOST, --facts FILE and --root DIR",
                hint: "usage: muster isolation HOST [options]", exitCode: .usage)
        }
        if let root { return try read(root: PathName.join(context.workingDirectory, root), root) }
        if let file { return try read(file: PathName.join(context.workingDirectory, file), file) }
        let session = try context.session(compiles: false)
        let hosts = try context.hosts(of: session)
        guard hosts.count == 1 else {
            throw Diagnostic(
                "usage", "isolation is for one host, not for \(hosts.count)",
                hint: "name one of \(hosts.prefix(5).joined(separator: ", "))", exitCode: .usage)
        }
        guard let hardware = try StoredFacts(of: session).facts(of: hosts[0]).hardware else {
            throw Diagnostic(
                "no-facts", "there are no facts of \(hosts[0]) in the store",
                hint: "read them: muster facts \(hosts[0])", exitCode: .badInput)
        }
        return (hosts[0], hardware)
    }

    private static func read(root: String, _ shown: String) throws(Diagnostic) -> (String, JSON) {
        try CopiedRoot.check(root, shown, holds: "proc and sys")
        return (shown, FactsReader(machine: LocalMachine(root: root)).hardware())
    }

    private static func read(file: String, _ shown: String) throws(Diagnostic) -> (String, JSON) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try LocalMachine().read(file, limit: 64 << 20)
        } catch {
            throw Diagnostic(
                "unreadable", "cannot read \(shown): \(error.reason)", hint: error.hint,
                exitCode: .badInput)
        }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw Diagnostic(
                "bad-facts", "\(shown) is not JSON: \(error)",
                hint: "write it by `muster facts … --format json`", exitCode: .badInput)
        }
        if let hardware = json["hardware"] {
            return (hardware["hostname"]?.string ?? shown, hardware)
        }
        let hosts = json["hosts"]?.array ?? []
        if hosts.count == 1, let hardware = hosts[0]["facts"]?["hardware"] {
            return (hosts[0]["host"]?.string ?? shown, hardware)
        }
        throw Diagnostic(
            "bad-facts", "\(shown) has the facts of \(hosts.count) hosts, and one is needed",
            hint: "write it by `muster facts HOST --format json`, or `muster facts --root DIR`",
            exitCode: .badInput)
    }
}
