import CommandLineKit
import Compiler
import Diagnostics
import Fleet
import FleetModel
import Wire

/// `muster validate`: reads and checks all files, without contacting hosts.
enum ValidateCommand: Command {
    static let spec = VerbSpec(
        "validate", "checks all files and compiles every host, without contacting it",
        description: [
            "Shows all faults, not only the first. Hosts whose facts are stored are compiled "
                + "completely; for other hosts, everything that does not depend on facts is "
                + "compiled."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.compiling + [
            OptionSpec("strict", flag: "treat warnings as errors")
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session()
        guard let compiler = session.compiler else { return .bug }
        let hosts = try context.hosts(of: session)
        var gathered = GatheredDiagnostics(session.warnings)
        let known = try StoredFacts(of: session)
        var options = CompileOptions(
            tags: session.options.tags.isEmpty ? nil : session.options.tags)
        options.missingFacts = .skip
        var resources = 0
        var withoutFacts = 0
        compiler.compile(hosts: hosts, facts: known.read, options: options) { result in
            gathered.add(result.diagnostics)
            resources += result.plan?.resources.count ?? 0
            if !result.skipped.isEmpty { withoutFacts += 1 }
        }
        try known.check()
        let fresh = gathered.all.dropFirst(session.warnings.count)
        context.output.diagnostics(Array(fresh), format: context.format)
        let errors = gathered.all.count { $0.severity == .error }
        let warnings = gathered.all.count { $0.severity == .warning }
        let isGood = errors == 0 && (warnings == 0 || !context.invocation.flag("strict"))
        if context.format == "text" {
            var text = isGood ? "Valid" : "Not valid"
            text +=
                ": \(hosts.count) hosts, \(resources) resources, \(errors) errors, \(warnings) warnings.\n"
            if withoutFacts > 0 {
                text +=
                    "\(withoutFacts) hosts have resources that depend on facts not yet read: "
                    + "run muster facts\n"
            }
            context.output.data(text)
        } else {
            context.output.data(
                [
                    "format_version": 1, "valid": .bool(isGood), "hosts": .integer(hosts.count),
                    "resources": .integer(resources), "without_facts": .integer(withoutFacts),
                    "diagnostics": .array(gathered.all.map(\.json)),
                ], format: context.format)
        }
        return isGood ? .done : .badInput
    }
}

/// The diagnostics of many hosts, each only once.
struct GatheredDiagnostics {
    private(set) var all: [Diagnostic]
    private var seen: Set<String>

    init(_ first: [Diagnostic]) {
        all = first
        seen = Set(first.map(\.text))
    }

    mutating func add(_ more: [Diagnostic]) {
        for diagnostic in more where seen.insert(diagnostic.text).inserted {
            all.append(diagnostic)
        }
    }
}
