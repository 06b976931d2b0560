import CommandLineKit
import Diagnostics
import Fleet
import FleetModel

/// `muster check`: compares hosts with what is declared; never writes.
enum CheckCommand: Command {
    static let spec = VerbSpec(
        "check", "finds drift: compares hosts with what is declared",
        description: [
            "Reads every resource on every host in a sandbox in which the kernel allows no "
                + "writing, and shows what differs. Exit code 2 means that differences were found. "
                + "Handlers that still have to run are differences too."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.compiling + CommandTable.contacting
            + [RunSupport.diff],
        examples: [
            ("muster check market_data --diff", "drift of one group, with file content"),
            ("muster check --format jsonl", "one JSON line for each host, then the summary"),
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session()
        let hosts = try context.hosts(of: session)
        let services = try session.services(control: context.control)
        await RunSupport.tellUnended(services, context)
        let result = try await RunSupport.run(
            context, services,
            RunSupport.options("check", .check, context, session), hosts: hosts)
        try RunSupport.show(result, context)
        return result.exitCode
    }
}
