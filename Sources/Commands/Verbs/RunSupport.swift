import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Presentation
import Runs
import Store
import Views
import Wire

/// What `plan`, `check` and `apply` share.
enum RunSupport {
    static let diff = OptionSpec(
        "diff", letter: "D", flag: "show the lines of file content that differ")

    /// Carries out a run on the hosts, with progress on stderr.
    static func run(
        _ context: CommandContext, _ services: FleetServices, _ options: RunOptions,
        brakes: Brakes = Brakes(), hosts: [String], expected: [String: Digest]? = nil,
        arguments: JSON? = nil, keepsPlans: Bool = false
    ) async throws -> FleetRun.Result {
        let run = FleetRun(
            services: services,
            recipe: RunRecipe(
                options: options, brakes: brakes,
                arguments: arguments ?? Self.arguments(of: context)),
            pattern: pattern(of: context.invocation))
        let output = context.output
        return try await run.run(hosts, expected: expected, keepsPlans: keepsPlans) {
            output.event($0)
        }
    }

    /// Tells which earlier applies have not ended, and on which hosts.
    static func tellUnended(_ services: FleetServices, _ context: CommandContext) async {
        guard let runs = try? await services.store.unendedRuns() else { return }
        for run in runs where run.applies {
            guard let hosts = try? await services.store.hosts(run: run.id) else { continue }
            let begun = hosts.filter { $0.transition.state.isActive }
            if begun.isEmpty { continue }
            let names = HostNameFolding.fold(begun.map(\.host))
            let who = "run \(run.id) of \(run.requestedBy)"
            if let holder = try? await services.store.holder(run: run.id) {
                context.output.remark("note: \(who) is at work on \(names) (\(holder))")
            } else {
                context.output.remark(
                    "note: \(who) did not end and was at work on \(names); "
                        + "muster resume \(run.id) continues it")
            }
        }
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

    /// The store, opened for reading; nil if nothing was run in the fleet directory yet.
    static func store(of directory: FleetDirectory) throws(StoreError) -> SQLiteStore? {
        do throws(StoreError) {
            return try SQLiteStore(fleetDirectory: directory.path, for: .reading)
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }

    /// The run whose id begins with a prefix; a usage fault if there is none, or more than one.
    static func run(named prefix: String, in store: (any RunStore)?) async throws -> RunRecord {
        let found = try await store?.runs(idPrefix: prefix) ?? []
        guard let run = found.first else {
            throw Diagnostic(
                "no-run", "there is no run \(prefix)", hint: "muster history lists the runs",
                exitCode: .usage)
        }
        guard found.count == 1 else {
            throw Diagnostic(
                "ambiguous-run", "several runs begin with \(prefix)",
                hint: "write more of the id; they are \(found.map(\.id).joined(separator: ", "))",
                exitCode: .usage)
        }
        return run
    }

    /// Takes over the arguments of an earlier call that decide how plans are compiled.
    static func take(_ arguments: JSON, into options: inout FleetSessionOptions) {
        func texts(_ key: String) -> [String] {
            arguments[key]?.array?.compactMap(\.string) ?? []
        }
        options.inventorySources = texts("inventory")
        options.settings = texts("set")
        options.tags = texts("tags").flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// The arguments that decide how plans are compiled, kept to apply a saved plan with the same.
    static func arguments(of context: CommandContext) -> JSON {
        [
            "inventory": .strings(context.invocation.values("inventory")),
            "set": .strings(context.invocation.values("set")),
            "tags": .strings(context.invocation.values("tags")),
        ]
    }
}
