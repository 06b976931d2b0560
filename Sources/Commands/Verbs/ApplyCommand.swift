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

/// `muster apply`: plans, asks and applies; or applies a saved plan.
enum ApplyCommand: Command {
    static let spec = VerbSpec(
        "apply", "makes hosts as declared",
        description: [
            "Shows what would change, asks, and applies exactly that. With --yes it plans and "
                + "applies on one connection without asking. With --plan it applies a saved plan, "
                + "and refuses hosts whose files or facts have changed since.",
            "Ctrl-C starts no more hosts and lets running ones come to a safe boundary; a second "
                + "one lets go of them at once. muster resume RUN goes on with what is left.",
            "Exit code 2 means that something declared is left: a change that waits for a reboot, "
                + "a handler that has still to run, a finding.",
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.compiling + CommandTable.contacting + [
            RunSupport.diff,
            OptionSpec("plan", .text("ID"), "apply this saved plan"),
            OptionSpec("yes", letter: "y", flag: "do not ask"),
            OptionSpec(
                "max-failed", .integer("N", minimum: 0),
                "start no more hosts once more than N failed or were unreachable"),
            OptionSpec(
                "canary", .integer("N", minimum: 1),
                "N hosts first; the rest only if each of them is as declared afterwards"),
            OptionSpec("batch", .text("N|P%"), "so many hosts, then the next so many"),
            OptionSpec(
                "max-disruption", .oneOf(Disruption.allCases.map(\.rawValue)),
                "refuse changes that cost more (default service_restart)"),
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
                "usage", "--\(option) cannot go with --plan",
                cause: "a saved plan is applied exactly as it was shown",
                hint: "make a new plan with --\(option)", exitCode: .usage)
        }
        var sessionOptions = try context.sessionOptions()
        let store = try RunSupport.store(of: sessionOptions.directory)
        guard let saved = try await store?.plan(idPrefix: id) else {
            throw Diagnostic(
                "no-plan", "there is no saved plan \(id), or several begin so",
                hint: "muster history lists the runs of plan", exitCode: .usage)
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
                cause: "\(HostNameFolding.fold(missing)) left the inventory since",
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

    /// A preview without differences is not an error, whatever else it found.
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

    /// Asks on the terminal; where there is none to ask, says how to go on.
    private static func confirm(_ hosts: Int, _ context: CommandContext) throws -> Bool {
        guard isatty(0) == 1 else {
            throw Diagnostic(
                "not-asked", "there is nobody to ask: standard input is no terminal",
                hint: "look at the plan, then give --yes or apply it by --plan ID",
                exitCode: .refused)
        }
        context.output.question("Apply to \(hosts == 1 ? "1 host" : "\(hosts) hosts")? [y/N] ")
        let answer = readLine(strippingNewline: true) ?? ""
        if ["y", "yes"].contains(answer.lowercased()) { return true }
        context.output.remark("Nothing was changed.")
        return false
    }
}
