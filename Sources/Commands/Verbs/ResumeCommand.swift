import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Runs
import Store
import Wire

/// `muster resume RUN`: continues a run that did not end.
enum ResumeCommand: Command {
    static let spec = VerbSpec(
        "resume", "continues a run that was interrupted or whose controller died",
        description: [
            "Nothing is done on hosts that have ended. A host whose result is not known is asked: "
                + "its journal has the result, and whatever is missing is carried out. Hosts that "
                + "were not started are started, with the limits that the run had. A host whose "
                + "files or facts have changed since then is refused, as for a saved plan."
        ],
        arguments: [ArgumentSpec("RUN", required: true, "the id of the run, or its beginning")],
        options: [CommandTable.forks],
        examples: [("muster resume 7f3a91c2", "a run that muster history shows as 'did not end'")])

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
                "not-resumable", "cannot resume the run \(run.id)",
                cause: "an older version of muster made it and kept no record of its hosts",
                hint: "start it again: what is already done is not done twice", exitCode: .refused)
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
    /// Whether a resumed run still has something to do on the host.
    fileprivate var isLeft: Bool { transition.state.outcome?.isTakenUpAgain ?? true }
}
