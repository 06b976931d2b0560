import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Runs
import Store
import Wire

/// `muster resume RUN`: goes on with a run that did not come to its end.
enum ResumeCommand: Command {
    static let spec = VerbSpec(
        "resume", "goes on with a run that was interrupted or whose controller died",
        description: [
            "Hosts that came to their end are left alone. A host whose result is not known is asked: "
                + "its journal says what came of the run, and what is left is carried out. Hosts that "
                + "were never started are started, within the limits the run was given. Files and "
                + "facts that changed since are refused as for a saved plan."
        ],
        arguments: [ArgumentSpec("RUN", required: true, "its id, or the beginning of it")],
        options: [CommandTable.forks],
        examples: [("muster resume 7f3a91c2", "what muster history shows as not ended")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        var sessionOptions = try context.sessionOptions()
        let run = try await RunSupport.run(
            named: context.invocation.arguments[0],
            in: try RunSupport.store(of: sessionOptions.directory))
        let recipe: RunRecipe
        do throws(JSONError) {
            recipe = try RunRecipe(
                json: run.options, id: run.id, verb: run.verb, requestedBy: run.requestedBy)
        } catch {
            throw Diagnostic(
                "not-resumable", "cannot go on with the run \(run.id)",
                cause: "an earlier muster made it, and kept no record of its hosts",
                hint: "run it again: what is done is found to be done", exitCode: .refused)
        }
        RunSupport.take(recipe.arguments, into: &sessionOptions)
        let session = try FleetSession(sessionOptions)
        context.output.diagnostics(session.warnings, format: context.format)
        let services = try session.services(control: context.control)
        let hosts = try await services.store.hosts(run: run.id)
        guard hosts.contains(where: \.isLeft) else {
            context.output.remark("Nothing is left of the run \(run.id).")
            return .done
        }
        let output = context.output
        let result = try await FleetRun(
            services: services, recipe: recipe, pattern: run.pattern
        ).resume { output.event($0) }
        try RunSupport.show(result, context)
        return result.exitCode
    }
}

extension RunHost {
    /// Whether a run that goes on has something to do with it.
    fileprivate var isLeft: Bool { transition.state.outcome?.isTakenUpAgain ?? true }
}
