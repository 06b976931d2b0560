import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Presentation
import Runs
import Store
import Views
import Wire

/// `muster show RUN`: shows one run as it was reported.
enum ShowCommand: Command {
    static let spec = VerbSpec(
        "show", "shows a past run or a saved plan",
        arguments: [ArgumentSpec("RUN", required: true, "the id of the run, or its beginning")],
        options: [
            OptionSpec("diff", flag: "also show file content, if the run was made with --diff")
        ],
        examples: [("muster show 7f3a", "the run whose id begins with 7f3a")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let kept = try RunSupport.store(of: try context.fleetDirectory())
        let run = try await RunSupport.run(named: context.invocation.arguments[0], in: kept)
        guard let store = kept else { return .bug }
        let hosts = try await store.results(run: run.id).map(\.report)
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
        if run.ended == nil { context.output.data(try await state(of: run, in: store)) }
        return .done
    }

    /// The states of the hosts of a run that has not ended.
    private static func state(of run: RunRecord, in store: any RunStore) async throws -> String {
        var places: [HostState.Name: [String]] = [:]
        for host in try await store.hosts(run: run.id) where host.transition.state.outcome == nil {
            places[host.transition.state.name, default: []].append(host.host)
        }
        let lines = HostState.Name.allCases.compactMap { name in
            places[name].map { "  \(name.rawValue): \(HostNameFolding.fold($0))\n" }
        }
        let holder = try await store.holder(run: run.id)
        let head =
            holder.map { "This run is being carried out by \($0).\n" }
            ?? "This run did not end. muster resume \(run.id) continues it.\n"
        return head + lines.joined()
    }
}
