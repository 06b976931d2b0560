import CommandLineKit
import Compiler
import Diagnostics
import Fleet
import FleetModel
import Glibc
import Linux
import Presentation
import Wire

/// `muster compile`: prints or writes plans, without contacting hosts.
enum CompileCommand: Command {
    static let spec = VerbSpec(
        "compile", "prints or writes plans, without contacting hosts",
        description: [
            "The same files and facts give the same bytes. The facts are those that muster facts "
                + "has stored. Resources that depend on live state cannot be compiled without the "
                + "host."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.compiling + [
            OptionSpec(
                "output", letter: "o", .text("DIR"), "write DIR/HOST.json instead of printing")
        ],
        examples: [("muster compile ld4-md001 --format json", "the whole plan of one host")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session()
        guard let compiler = session.compiler else { return .bug }
        let hosts = try context.hosts(of: session)
        let folder = context.invocation.value("output").map {
            PathName.join(context.workingDirectory, $0)
        }
        // A folder that cannot be made is reported before the work, not after it.
        if let folder, try LocalMachine().statusIfPresent(folder, followLinks: true) == nil {
            try LocalMachine().makeDirectory(folder, mode: 0o700, uid: geteuid(), gid: getegid())
        }
        var gathered = GatheredDiagnostics(session.warnings)
        var rows: [[String]] = []
        var failed = 0
        var fault: SystemError?
        let options = CompileOptions(
            tags: session.options.tags.isEmpty ? nil : session.options.tags)
        let known = try StoredFacts(of: session)
        let began = Clock.monotonicSeconds()
        compiler.compile(hosts: hosts, facts: known.read, options: options) { result in
            gathered.add(result.diagnostics)
            guard let compiled = result.compiled else {
                failed += 1
                return
            }
            let plan = compiled.plan
            if let folder {
                do throws(SystemError) {
                    try LocalMachine().replaceRenewableFile(
                        PathName.join(folder, plan.host + ".json"), content: compiled.bytes,
                        mode: 0o600)
                } catch {
                    fault = fault ?? error
                }
            } else if context.format != "text" {
                context.output.data(plan.json, format: context.format)
            } else {
                rows.append([
                    plan.host, compiled.digest.short, "\(plan.resources.count)",
                    result.blobs.isEmpty ? "" : "\(result.blobs.count)",
                ])
            }
        }
        try known.check()
        if let fault { throw fault }
        context.output.diagnostics(
            Array(gathered.all.dropFirst(session.warnings.count)), format: context.format)
        if context.format == "text", folder == nil, !rows.isEmpty {
            let lines = TextTable.lines(
                head: ["HOST", "PLAN", "RESOURCES", "BLOBS"], rows: rows, right: [2, 3])
            context.output.data(lines.joined(separator: "\n") + "\n")
        }
        let seconds = Clock.monotonicSeconds() - began
        context.output.remark(
            "\(Quantity.count(hosts.count, "host")) compiled in "
                + Quantity.duration(microseconds: Int(seconds * 1e6))
                + (failed > 0 ? ", \(failed) failed" : ""))
        return failed > 0 ? .hostFailed : .done
    }
}
