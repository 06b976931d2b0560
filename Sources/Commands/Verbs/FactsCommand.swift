import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import HostFacts
import Linux
import Presentation
import Views
import Wire

/// `muster facts`: reads facts from hosts into the store, or from a copied root.
enum FactsCommand: Command {
    static let spec = VerbSpec(
        "facts", "reads facts from hosts into the store",
        description: [
            "Hardware and topology are stored with the time of reading; plans are compiled from "
                + "them. With --root no host is contacted: the facts are read from a copy of a "
                + "host's /proc, /sys and /etc, and printed."
        ],
        arguments: [CommandTable.pattern],
        options: CommandTable.inventory + CommandTable.contacting + [
            OptionSpec("root", .text("DIR"), "read a copy of a host's / instead of hosts"),
            OptionSpec(
                "sections", .text("NAMES"), repeatable: true,
                "also read these sections of the live state (comma-separated)"),
        ],
        examples: [
            ("muster facts all", "refresh the facts of every host"),
            ("muster facts --root ./dump --format json", "the facts of a copied root"),
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let sections = context.invocation.values("sections").flatMap {
            $0.split(separator: ",").map(String.init)
        }
        if let root = context.invocation.value("root") {
            return try readCopy(PathName.join(context.workingDirectory, root), sections, context)
        }
        let session = try context.session(compiles: false)
        let hosts = try context.hosts(of: session)
        let contact = Contact(
            services: try session.services(control: context.control),
            deadlineSeconds: session.deadlineSeconds,
            facts: Contact.FactsWanted(hardware: true, sections: sections))
        let output = context.output
        let views = await contact.run(hosts, verb: "facts") { output.event($0) }
        if context.format == "text" {
            for view in views { context.output.data(text(of: view) + "\n") }
        } else {
            context.output.data(
                ["format_version": 1, "hosts": .array(views.map(\.json))], format: context.format)
        }
        return Contact.exitCode(of: views)
    }

    private static func readCopy(
        _ root: String, _ sections: [String], _ context: CommandContext
    ) throws -> ExitCode {
        try CopiedRoot.check(root, root, holds: "proc, sys and etc")
        let reader = FactsReader(machine: LocalMachine(root: root))
        let facts = reader.facts(hardware: true, sections: sections)
        context.output.data(facts, format: context.format == "text" ? "json" : context.format)
        return .done
    }

    private static func text(of view: ContactView) -> String {
        guard let facts = view.facts?["hardware"] else {
            return "\(view.host)  \(view.fault?.text ?? view.outcome.rawValue)"
                + (view.fault?.hint.map { "\n  hint: \($0)" } ?? "")
        }
        let digest = Digest(of: facts.canonicalBytes).short
        let cpu = facts["cpu"]
        let parts: [String?] = [
            facts["distribution"]?["id"]?.string.map {
                "\($0) \(facts["distribution"]?["version_id"]?.string ?? "")"
            },
            facts["kernel"]?["release"]?.string,
            cpu?["count"]?.integer.map { "\($0) CPUs" },
            facts["memory_bytes"]?.integer.map { Quantity.bytes($0) },
            cpu?["model"]?.string,
        ]
        return "\(view.host)  facts \(digest)  \(parts.compactMap { $0 }.joined(separator: ", "))"
    }
}
