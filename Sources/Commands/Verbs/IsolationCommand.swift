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

/// `muster isolation`: shows what each CPU of a machine would be used for, and changes nothing.
enum IsolationCommand: Command {
    static let spec = VerbSpec(
        "isolation", "shows how the CPUs of a host would be isolated, without contacting it",
        description: [
            "Reads the facts of HOST from the store, facts from a file, or a copied root. Shows "
                + "which CPUs are for housekeeping, which are isolated, which of the isolated "
                + "CPUs are for pinned applications (hot) and which are left idle (parked), with "
                + "every setting that follows.",
            "All threads of a core are isolated together. The core of the boot CPU and at least "
                + "one core of each NUMA node always remain for housekeeping.",
        ],
        arguments: [ArgumentSpec("HOST", "a host whose facts are in the store")],
        options: CommandTable.inventory + [
            OptionSpec(
                "facts", .text("FILE"), "facts, as `muster facts --format json` prints them"),
            OptionSpec("root", .text("DIR"), "a copy of a host's /proc, /sys and /etc"),
            OptionSpec(
                "isolate", .text("WHICH"),
                "all (default), node=N, near=INTERFACE, or a CPU list: 2-7,10"),
            OptionSpec(
                "housekeeping-cores", .integer("N", minimum: 1),
                "housekeeping cores on each NUMA node (default: 1)"),
            OptionSpec(
                "near", .text("INTERFACE"), "choose hot CPUs on the NUMA node of this interface"),
            OptionSpec(
                "smt", .oneOf(IsolationPolicy.Threads.allCases.map(\.rawValue)),
                "second threads: keep (use) them, park (leave idle) those of isolated cores, "
                    + "or turn SMT off (default: keep)"),
            OptionSpec(
                "mechanism", .oneOf(IsolationPolicy.Mechanism.allCases.map(\.rawValue)),
                "isolcpus= at boot, or a cgroup v2 partition (default: boot)"),
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
                    hint: error.hint ?? "give all, node=N, near=INTERFACE or a CPU list: 2-7,10",
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
                "usage", "isolation takes one host, and the pattern matches \(hosts.count)",
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
                hint: "make the file with `muster facts … --format json`", exitCode: .badInput)
        }
        if let hardware = json["hardware"] {
            return (hardware["hostname"]?.string ?? shown, hardware)
        }
        let hosts = json["hosts"]?.array ?? []
        if hosts.count == 1, let hardware = hosts[0]["facts"]?["hardware"] {
            return (hosts[0]["host"]?.string ?? shown, hardware)
        }
        throw Diagnostic(
            "bad-facts", "\(shown) has the facts of \(hosts.count) hosts instead of one",
            hint: "make it with `muster facts HOST --format json`, or `muster facts --root DIR`",
            exitCode: .badInput)
    }
}
