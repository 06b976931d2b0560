import CommandLineKit
import Diagnostics
import FleetModel
import Kinds
import Presentation
import Wire

/// `muster kinds [KIND]`: prints the reference of resource kinds, made from their schemas.
enum KindsCommand: Command {
    static let spec = VerbSpec(
        "kinds", "shows the reference of resource kinds",
        description: [
            "Without an argument, lists the kinds. With a kind, shows its attributes and their "
                + "meaning, the disruption of changes, and an example that compiles."
        ],
        arguments: [ArgumentSpec("KIND", "the kind to show")],
        examples: [("muster kinds sysctl", "the reference of sysctl")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        guard let name = context.invocation.arguments.first else {
            list(context)
            return .done
        }
        guard let kind = Kind(rawValue: name) else {
            let names = Kind.allCases.map(\.rawValue)
            throw Diagnostic(
                "unknown-kind", "there is no kind \"\(name)\"",
                hint: NearestName.hint(for: name, in: names)
                    ?? "the kinds are \(names.sorted().joined(separator: ", "))",
                exitCode: .usage)
        }
        if context.format == "text" {
            context.output.data(KindReference.page(of: kind.schema))
        } else {
            context.output.data(KindReference.json(of: kind.schema), format: context.format)
        }
        return .done
    }

    private static func list(_ context: CommandContext) {
        let schemas = Kind.allCases.map(\.schema).sorted { $0.kind.rawValue < $1.kind.rawValue }
        if context.format == "text" {
            let rows = schemas.map { [$0.kind.rawValue, $0.summary] }
            let lines = TextTable.lines(head: ["KIND", "WHAT IT IS"], rows: rows)
            context.output.data(lines.joined(separator: "\n") + "\n")
        } else {
            let all = schemas.map(KindReference.json(of:))
            context.output.data(
                ["format_version": 1, "kinds": .array(all)], format: context.format)
        }
    }
}

/// A kind's schema as a page and as JSON.
enum KindReference {
    static func page(of schema: KindSchema) -> String {
        var lines = ["\(schema.kind.rawValue): \(schema.summary)", ""]
        lines += [
            "  \(schema.kind.rawValue): NAME (\(schema.nameType.name)) — \(schema.nameSummary)"
        ]
        if !schema.states.isEmpty {
            lines.append("  state: \(schema.states.joined(separator: " | "))")
        }
        lines.append("")
        let rows = schema.attributes.map { attribute in
            [
                attribute.name, attribute.type.name,
                attribute.isRequired
                    ? "required" : attribute.defaultValue.map { $0.canonicalText } ?? "",
                attribute.summary,
            ]
        }
        lines += TextTable.lines(
            head: ["ATTRIBUTE", "TYPE", "DEFAULT", "MEANING"], rows: rows, indent: "  ")
        lines += [
            "",
            "  Every resource also takes id, when, for_each and as, requires, notify, severity, tags.",
        ]
        for note in schema.notes { lines += ["", "  \(note)"] }
        if !schema.example.isEmpty {
            lines += ["", "Example:"]
            lines += schema.example.split(separator: "\n", omittingEmptySubsequences: false)
                .map { "  \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func json(of schema: KindSchema) -> JSON {
        [
            "kind": .string(schema.kind.rawValue), "summary": .string(schema.summary),
            "name": [
                "type": .string(schema.nameType.name), "summary": .string(schema.nameSummary),
            ],
            "states": .strings(schema.states),
            "attributes": .array(
                schema.attributes.map { attribute in
                    .compact([
                        "name": .string(attribute.name), "type": .string(attribute.type.name),
                        "required": .bool(attribute.isRequired), "default": attribute.defaultValue,
                        "summary": .string(attribute.summary),
                    ])
                }),
            "notes": .strings(schema.notes), "example": .string(schema.example),
        ]
    }
}
