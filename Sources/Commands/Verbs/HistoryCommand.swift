import CommandLineKit
import Diagnostics
import Fleet
import Linux
import Presentation
import Store
import Wire

/// `muster history`: lists the runs, newest first.
enum HistoryCommand: Command {
    static let spec = VerbSpec(
        "history", "lists past runs: what, by whom, on which hosts, with what result",
        options: [
            OptionSpec(
                "limit-runs", letter: "n", .integer("N", minimum: 1),
                "how many runs to list (default: 20)"),
            OptionSpec("host", .text("HOST"), "only runs that included this host"),
        ],
        examples: [("muster history --host ld4-md001", "what was done to one host")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let store = try RunSupport.store(of: try context.fleetDirectory())
        let runs =
            try await store?.runs(
                limit: context.invocation.integer("limit-runs") ?? 20,
                host: context.invocation.value("host")) ?? []
        var underWay: Set<String> = []
        for run in runs where run.ended == nil {
            if await store?.holder(run: run.id) != nil { underWay.insert(run.id) }
        }
        if context.format != "text" {
            let all = runs.map { json(of: $0, isUnderWay: underWay.contains($0.id)) }
            context.output.data(["format_version": 1, "runs": .array(all)], format: context.format)
            return .done
        }
        if runs.isEmpty {
            context.output.data("No runs yet.\n")
            return .done
        }
        let lines = TextTable.lines(
            head: ["RUN", "WHEN", "VERB", "WHO", "ON", "TOOK", "EXIT", "RESULT"],
            rows: runs.map { row(of: $0, isUnderWay: underWay.contains($0.id)) })
        context.output.data(lines.joined(separator: "\n") + "\n")
        return .done
    }

    private static func row(of run: RunRecord, isUnderWay: Bool) -> [String] {
        let outcomes = run.summary?["outcomes"]?.object ?? [:]
        let result = outcomes.sorted { $0.key < $1.key }.map { name, count in
            "\(count.integer ?? 0) \(name.split(separator: "_").joined(separator: " "))"
        }
        let took = run.ended.map {
            Quantity.duration(microseconds: Int(($0 - run.started) * 1e6))
        }
        return [
            run.id, Clock.rfc3339(run.started), run.verb, run.requestedBy, run.pattern,
            took ?? "-", run.exitCode.map(String.init) ?? "-",
            run.ended != nil
                ? result.joined(separator: ", ") : isUnderWay ? "under way" : "did not end",
        ]
    }

    static func json(of run: RunRecord, isUnderWay: Bool) -> JSON {
        .compact([
            "id": .string(run.id), "verb": .string(run.verb),
            "requested_by": .string(run.requestedBy), "pattern": .string(run.pattern),
            "started": .string(Clock.rfc3339(run.started)),
            "state": .string(run.ended != nil ? "ended" : isUnderWay ? "under_way" : "did_not_end"),
            "ended": run.ended.map { .string(Clock.rfc3339($0)) },
            "exit_code": run.exitCode.map { .integer($0) }, "summary": run.summary,
        ])
    }
}
