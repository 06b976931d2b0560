import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Glibc
import Inventory
import Linux
import Runs
import Store
import Views
import Wire

/// `muster apply`: makes a plan, asks, and applies it; or applies a saved plan.
enum ApplyCommand: Command {
    static let spec = VerbSpec(
        "apply", "changes hosts to what is declared",
        description: [
            "Shows what would change, asks, and applies exactly that. With --yes it plans and "
                + "applies on one connection, without asking. With --plan it applies a saved plan, "
                + "and refuses hosts whose files or facts have changed since then.",
            "After Ctrl-C no more hosts are started, and running hosts stop at their next safe "
                + "boundary. After a second Ctrl-C muster does not wait for them. "
                + "muster resume RUN continues the run.",
            "Exit code 2 means that a host is not yet as declared: a change waits for a reboot, "
                + "a handler still has to run, or there is a finding.",
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.compiling + CommandTable.contacting + [
            RunSupport.diff,
            OptionSpec("plan", .text("ID"), "apply this saved plan"),
            OptionSpec("yes", letter: "y", flag: "do not ask"),
            OptionSpec(
                "max-failed", .integer("N", minimum: 0),
                "start no more hosts after more than N have failed or were unreachable"),
            OptionSpec(
                "canary", .integer("N", minimum: 1),
                "N hosts first; the others only if each of these is as declared afterwards"),
            OptionSpec(
                "batch", .text("N|P%"),
                "start this many hosts at a time; the next batch when all have ended"),
            OptionSpec(
                "max-disruption", .oneOf(Disruption.allCases.map(\.rawValue)),
                "refuse changes with a larger disruption (default: service_restart)"),
        ],
        examples: [
            ("muster apply ld4 --canary 1 --batch 10%", "one host, then a tenth at a time"),
            ("muster apply --plan 7f3a91c2", "exactly what was shown"),
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        if let id = context.invocation.value("plan") { return try await apply(saved: id, context) }
        let brakes = try brakes(context.invocation)
        let session = try context.session()
        let hosts = try context.hosts(of: session)
        let services = try session.services(control: context.control)
        await RunSupport.tellUnended(services, context)
        let options = RunSupport.options("apply", .apply, context, session)
        var expected: [String: Digest]?
        if !context.invocation.flag("yes") {
            let preview = try await RunSupport.run(
                context, services, RunSupport.options("plan", .check, context, session),
                hosts: hosts, keepsPlans: true)
            try RunSupport.show(preview, context)
            let changing = preview.view.counts[.differs] ?? 0
            if changing == 0 || context.control.isStopping { return withoutDifferences(preview) }
            guard try confirm(changing, context) else { return .done }
            expected = Dictionary(
                preview.plans.map { ($0.plan.host, $0.digest) },
                uniquingKeysWith: { first, _ in first })
        }
        let result = try await RunSupport.run(
            context, services, options, brakes: brakes, hosts: hosts, expected: expected)
        try RunSupport.show(result, context)
        return result.exitCode
    }

    private static func apply(
        saved id: String, _ context: CommandContext
    ) async throws -> ExitCode {
        let brakes = try brakes(context.invocation)
        for option in ["inventory", "set", "tags", "limit"] where context.invocation.flag(option) {
            throw Diagnostic(
                "usage", "--\(option) cannot be used with --plan",
                cause: "a saved plan is applied exactly as it was shown",
                hint: "make a new plan with --\(option)", exitCode: .usage)
        }
        var sessionOptions = try context.sessionOptions()
        let store = try RunSupport.store(of: sessionOptions.directory)
        guard let saved = try await store?.plan(idPrefix: id) else {
            throw Diagnostic(
                "no-plan", "there is no saved plan \(id), or several begin with it",
                hint: "muster history lists them: the runs of the verb plan", exitCode: .usage)
        }
        RunSupport.take(saved.arguments, into: &sessionOptions)
        let session = try FleetSession(sessionOptions)
        context.output.diagnostics(session.warnings, format: context.format)
        let expected = Dictionary(
            saved.plans.map { ($0.plan.host, $0.digest) }, uniquingKeysWith: { first, _ in first })
        let hosts = session.inventory.hosts.filter { expected[$0] != nil }
        if hosts.count < expected.count {
            let missing = Set(expected.keys).subtracting(hosts).sorted()
            throw Diagnostic(
                "stale-plan", "the saved plan \(saved.id) is stale",
                cause: "no longer in the inventory: \(HostNameFolding.fold(missing))",
                hint: "make a new plan", exitCode: .refused)
        }
        let wanted =
            context.invocation.arguments.isEmpty
            ? hosts
            : try session.hosts(patterns: context.invocation.arguments, limit: []).filter {
                expected[$0] != nil
            }
        if !context.invocation.flag("yes") {
            guard try confirm(wanted.count, context) else { return .done }
        }
        let services = try session.services(control: context.control)
        await RunSupport.tellUnended(services, context)
        let result = try await RunSupport.run(
            context, services, RunSupport.options("apply", .apply, context, session),
            brakes: brakes, hosts: wanted, expected: expected, arguments: saved.arguments)
        try RunSupport.show(result, context)
        return result.exitCode
    }

    /// The exit code of an apply that ends after its preview: differences are no error here.
    private static func withoutDifferences(_ preview: FleetRun.Result) -> ExitCode {
        preview.exitCode == .differences ? .done : preview.exitCode
    }

    private static func brakes(_ invocation: Invocation) throws(Diagnostic) -> Brakes {
        var size: Brakes.Size?
        if let text = invocation.value("batch") {
            size = Brakes.size(text)
            if size == nil {
                throw Diagnostic(
                    "usage", "--batch takes a number of hosts or a percentage, not \"\(text)\"",
                    hint: "--batch 10 or --batch 25%", exitCode: .usage)
            }
        }
        return Brakes(
            canary: invocation.integer("canary") ?? 0, batch: size,
            maxFailed: invocation.integer("max-failed"))
    }

    /// Asks on the terminal; throws, with a hint, if standard input is not a terminal.
    private static func confirm(_ hosts: Int, _ context: CommandContext) throws -> Bool {
        guard isatty(0) == 1 else {
            throw Diagnostic(
                "not-asked", "there is nobody to ask: standard input is not a terminal",
                hint: "look at the plan, then use --yes, or apply a saved plan with --plan ID",
                exitCode: .refused)
        }
        context.output.question("Apply to \(hosts == 1 ? "1 host" : "\(hosts) hosts")? [y/N] ")
        let answer = readLine(strippingNewline: true) ?? ""
        if ["y", "yes"].contains(answer.lowercased()) { return true }
        context.output.remark("Nothing was changed.")
        return false
    }
}
