import CommandLineKit
import Compiler
import Diagnostics
import Fleet
import Presentation
import Wire

/// `muster explain HOST NAME`: every candidate for a value, and which one wins.
enum ExplainCommand: Command {
    static let spec = VerbSpec(
        "explain", "shows where a value of a host comes from",
        description: [
            "NAME is a variable, ROLE.PARAMETER, or a role, which shows all its parameters. The "
                + "candidates are listed from low to high precedence; the last one wins."
        ],
        arguments: [
            ArgumentSpec("HOST", required: true, "the host"),
            ArgumentSpec("NAME", required: true, "a variable, ROLE.PARAMETER or a role"),
        ],
        options: CommandTable.inventory + CommandTable.compiling,
        examples: [
            ("muster explain ld4-md001 low_latency.swappiness", "why the parameter has its value")
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session()
        guard let compiler = session.compiler else { return .bug }
        let host = context.invocation.arguments[0]
        let facts = try StoredFacts(of: session).facts(of: host)
        let all = try compiler.explain(
            host: host, name: context.invocation.arguments[1], facts: facts)
        if context.format == "text" {
            context.output.data(
                all.map { text(of: $0, context.output.style) }.joined(separator: "\n"))
        } else {
            context.output.data(
                [
                    "format_version": 1, "host": .string(host),
                    "explanations": .array(all.map(\.json)),
                ], format: context.format)
        }
        let faults = all.flatMap(\.faults)
        context.output.diagnostics(faults, format: context.format)
        return faults.contains { $0.severity == .error } ? .hostFailed : .done
    }

    private static func text(of explanation: Explanation, _ style: Style) -> String {
        let value = explanation.value.map { value in
            value["secret"]?.string.map { "(secret \($0.prefix(8)))" } ?? value.canonicalText
        }
        var lines = [style("\(explanation.name) = \(value ?? "(no value)")", .strong)]
        let rows = explanation.candidates.enumerated().map { index, candidate in
            [
                index == explanation.candidates.count - 1 ? "wins" : "",
                candidate.giver, candidate.text, candidate.place.description,
            ]
        }
        lines += TextTable.lines(head: ["", "GIVEN BY", "AS", "AT"], rows: rows, indent: "  ")
        return lines.joined(separator: "\n") + "\n"
    }
}
