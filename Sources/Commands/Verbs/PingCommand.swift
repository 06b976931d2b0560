import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Presentation
import Views
import Wire

/// `muster ping`: connects, waits for the agent's hello, and prints how long each step took.
enum PingCommand: Command {
    static let spec = VerbSpec(
        "ping", "connects to hosts and shows how long each step took",
        description: [
            "Logs in, starts the agent (and sends it first if it is missing), and waits for its "
                + "hello. Nothing else is read, and nothing else is changed."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.contacting + [
            OptionSpec(
                "accept-new", flag: "add the keys of unknown hosts to known_hosts, and show them")
        ],
        examples: [("muster ping --accept-new lab", "first contact with new hosts")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let session = try context.session(
            acceptsNewKeys: context.invocation.flag("accept-new"), compiles: false)
        let hosts = try context.hosts(of: session)
        let contact = Contact(
            services: try session.services(control: context.control),
            deadlineSeconds: session.deadlineSeconds)
        let output = context.output
        let views = await contact.run(hosts, verb: "ping") { output.event($0) }
        if context.format == "text" {
            context.output.data(text(of: views, context.output.style))
        } else {
            context.output.data(
                ["format_version": 1, "hosts": .array(views.map(\.json))], format: context.format)
        }
        return Contact.exitCode(of: views)
    }

    private static func text(of views: [ContactView], _ style: Style) -> String {
        var lines: [String] = []
        for view in views {
            if let hello = view.hello {
                let steps = view.steps.map {
                    "\($0.name) \(Quantity.duration(microseconds: $0.microseconds))"
                }
                let total = view.steps.reduce(0) { $0 + $1.microseconds }
                lines.append(
                    "\(view.host)  \(style("ok", .good))  \(Quantity.duration(microseconds: total))"
                        + "  (\(steps.joined(separator: ", ")))  \(view.way ?? "")"
                        + "  agent \(hello.agentVersion) on \(hello.architecture)")
            } else {
                let word = view.outcome.rawValue.split(separator: "_").joined(separator: " ")
                lines.append("\(view.host)  \(style(word, .bad))  \(view.fault?.text ?? "")")
                if let hint = view.fault?.hint { lines.append("  hint: \(hint)") }
            }
            for notice in view.notices { lines.append("  note: \(notice)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
