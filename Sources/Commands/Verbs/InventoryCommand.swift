import CommandLineKit
import Diagnostics
import Fleet
import Inventory
import Wire

/// `muster inventory`: shows the hosts, their groups and their variables.
enum InventoryCommand: Command {
    static let spec = VerbSpec(
        "inventory", "shows hosts, groups and variables",
        description: [
            "--list prints the same JSON as ansible-inventory --list; --host prints the variables "
                + "of one host; --graph prints the tree of groups. Without these options, the "
                + "hosts that match the pattern are printed."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + [
            OptionSpec("list", flag: "all groups, hosts and variables as JSON"),
            OptionSpec("host", .text("HOST"), "the variables of one host as JSON"),
            OptionSpec("graph", flag: "the tree of groups"),
        ],
        examples: [("muster inventory 'market_data:&ld4'", "the hosts that are in both groups")]
    )

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session(compiles: false)
        let inventory = session.inventory
        if context.invocation.flag("list") {
            context.output.data(inventory.listJSON(), format: "json")
        } else if let host = context.invocation.value("host") {
            guard let json = inventory.hostJSON(host) else {
                throw Diagnostic(
                    "unknown-host", "there is no host \"\(host)\"",
                    hint: NearestName.hint(for: host, in: inventory.hosts)
                        ?? "muster inventory lists the hosts", exitCode: .usage)
            }
            context.output.data(json, format: "json")
        } else if context.invocation.flag("graph") {
            let top = context.invocation.arguments.first ?? "all"
            guard let text = inventory.graph(from: top) else {
                throw Diagnostic(
                    "unknown-group", "there is no group \"\(top)\"",
                    hint: NearestName.hint(for: top, in: inventory.groupNames), exitCode: .usage)
            }
            context.output.data(text.hasSuffix("\n") ? text : text + "\n")
        } else {
            let hosts = try context.hosts(of: session)
            if context.format == "text" {
                context.output.data(hosts.map { $0 + "\n" }.joined())
            } else {
                context.output.data(
                    ["format_version": 1, "hosts": .strings(hosts)], format: context.format)
            }
        }
        return .done
    }
}
