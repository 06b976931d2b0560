import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Presentation
import Store
import Views
import Wire

/// `muster show RUN`: one run as it was reported.
enum ShowCommand: Command {
    static let spec = VerbSpec(
        "show", "shows a run of the past, or a saved plan",
        arguments: [ArgumentSpec("RUN", required: true, "its id, or the beginning of it")],
        options: [OptionSpec("diff", flag: "also the content that was kept with --diff")],
        examples: [("muster show 7f3a", "the run whose id begins with 7f3a")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let store = try Store(fleetDirectory: try context.fleetDirectory().path)
        let prefix = context.invocation.arguments[0]
        let found = try store.runs(idPrefix: prefix)
        guard let run = found.first else {
            throw Diagnostic(
                "no-run", "there is no run \(prefix)", hint: "muster history lists the runs",
                exitCode: .usage)
        }
        guard found.count == 1 else {
            throw Diagnostic(
                "ambiguous-run", "several runs begin with \(prefix)",
                hint: "write more of one of \(found.map(\.id).joined(separator: ", "))",
                exitCode: .usage)
        }
        let hosts = try store.results(run: run.id).map(\.report)
        let view: JSON = .compact([
            "format_version": .integer(RunView.formatVersion), "id": .string(run.id),
            "verb": .string(run.verb), "hosts": .array(hosts), "summary": run.summary,
            "compile_microseconds": 0,
            "run_microseconds": .integer(
                Int(((run.ended ?? run.started) - run.started) * 1e6)),
        ])
        if context.format != "text" {
            context.output.data(view, format: context.format)
            return .done
        }
        let text = RunText(
            style: context.output.style, showsEverything: context.isVerbose,
            showsContent: context.invocation.flag("diff"))
        context.output.data(try text.render(view))
        if run.ended == nil { context.output.data("This run did not end.\n") }
        return .done
    }
}
