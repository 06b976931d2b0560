import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Presentation
import Store
import Views
import Wire

/// What `plan`, `check` and `apply` share.
enum RunSupport {
    static let diff = OptionSpec(
        "diff", letter: "D", flag: "show content that differs, line by line")

    /// Runs on the hosts and prints what came of it.
    static func run(
        _ context: CommandContext, _ services: FleetServices, _ options: RunOptions,
        brakes: Brakes = Brakes(), hosts: [String], keepsPlans: Bool = false
    ) async throws -> FleetRun.Result {
        let run = FleetRun(
            services: services, options: options, brakes: brakes,
            pattern: pattern(of: context.invocation))
        let output = context.output
        return try await run.run(hosts, keepsPlans: keepsPlans) { output.event($0) }
    }

    /// Prints the view and the faults of hosts that did not compile.
    static func show(_ result: FleetRun.Result, _ context: CommandContext) throws {
        context.output.diagnostics(result.diagnostics, format: context.format)
        switch context.format {
        case "text":
            let text = RunText(
                style: context.output.style, showsEverything: context.isVerbose,
                showsContent: context.invocation.flag("diff"))
            context.output.data(try text.render(result.view.json))
        case "jsonl":
            for host in result.view.hosts { context.output.data(host.json, format: "jsonl") }
            let summary: JSON = [
                "format_version": .integer(RunView.formatVersion),
                "id": .string(result.view.id), "verb": .string(result.view.verb),
                "summary": result.view.summary,
            ]
            context.output.data(summary, format: "jsonl")
        default: context.output.data(result.view.json, format: context.format)
        }
    }

    static func options(
        _ verb: String, _ mode: RunRequest.Mode, _ context: CommandContext, _ session: FleetSession
    ) -> RunOptions {
        var options = RunOptions(
            verb: verb, mode: mode, runID: RunIdentity.newID(),
            requestedBy: RunIdentity.requestedBy(), deadlineSeconds: session.deadlineSeconds,
            wantsContent: context.invocation.flag("diff"), rebootSeconds: session.rebootSeconds)
        if let name = context.invocation.value("max-disruption"),
            let disruption = Disruption(rawValue: name)
        {
            options.maxDisruption = disruption
        }
        return options
    }

    static func pattern(of invocation: Invocation) -> String {
        let pattern =
            invocation.arguments.isEmpty ? "all" : invocation.arguments.joined(separator: ",")
        return invocation.value("limit").map { "\(pattern) limited to \($0)" } ?? pattern
    }

    /// The options a saved plan was made with, so that the same ones are used to apply it.
    static func arguments(of context: CommandContext) -> JSON {
        [
            "inventory": .strings(context.invocation.values("inventory")),
            "set": .strings(context.invocation.values("set")),
            "tags": .strings(context.invocation.values("tags")),
        ]
    }
}
