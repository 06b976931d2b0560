import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Linux
import Store

/// `muster plan`: reads the hosts, shows what would change, saves the plan under an id.
enum PlanCommand: Command {
    static let spec = VerbSpec(
        "plan", "shows what would change and saves the plan under an id",
        description: [
            "Reads the hosts as check does. The plan is saved under the id in the first line. "
                + "muster apply --plan ID applies exactly this plan, and refuses hosts whose files "
                + "or facts have changed since then. Exit code 2 means that something would change."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.compiling + CommandTable.contacting
            + [RunSupport.diff],
        examples: [("muster plan ld4 --diff", "what would change on one site")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session()
        let hosts = try context.hosts(of: session)
        let services = try session.services(control: context.control)
        await RunSupport.tellUnended(services, context)
        let options = RunSupport.options("plan", .check, context, session)
        let result = try await RunSupport.run(
            context, services, options, hosts: hosts, keepsPlans: true)
        try RunSupport.show(result, context)
        if !result.plans.isEmpty {
            try await services.store.save(
                SavedPlan(
                    id: options.runID, created: Clock.wallSeconds(),
                    requestedBy: options.requestedBy, arguments: RunSupport.arguments(of: context),
                    plans: result.plans))
            if result.exitCode == .differences, context.format == "text" {
                context.output.remark(
                    "Saved. To apply exactly this: muster apply --plan \(options.runID)")
            }
        }
        return result.exitCode
    }
}
