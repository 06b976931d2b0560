import FleetModel
import Wire

/// A declared `command`: a program that makes a change, and one that checks if it is needed.
package struct CommandDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .command, "A program that runs only if a read-only check reports that it is needed.",
        traits: KindTraits(
            changes: .anything, reads: .anything, names: .exact, remains: .nothing, rivals: [],
            handler: .program),
        nameType: .string, nameSummary: "What the command achieves.", states: ["present"],
        attributes: [
            AttributeSchema(
                "run", .list(.string), required: true,
                "The program that makes the change, and its arguments. No shell."),
            AttributeSchema(
                "check", .list(.string), required: true,
                "The program that only reads, and its arguments. Exit 0: as declared. Exit 1: run"
                    + " is "
                    + "needed. Any other exit status, or a timeout: the state is unknown."),
            AttributeSchema(
                "timeout", .duration, default: 60, "How long each of the two programs may take."),
            AttributeSchema(
                "run_as", .string, "The user to run as, by name or number. Default: root."),
            AttributeSchema(
                "disruption", .oneOf(Disruption.allCases.map(\.rawValue)), default: "none",
                "The disruption that run causes; only its author knows it."),
        ],
        notes: [
            "During plan and check, the check program runs in a sandbox without write access, as"
                + " an "
                + "unprivileged user that may read all files.",
            "The check runs again after run; if it still does not exit 0, the resource fails.",
            "The previous state is not recorded, so a rollback cannot undo a command. Prefer"
                + " another "
                + "kind where possible.",
        ],
        example: """
            - command: initialise the feed database
              check: [/usr/bin/test, -e, /var/lib/feed/schema.version]
              run: [/opt/feed/bin/feedctl, init, --quiet]
              timeout: 2m
              run_as: feed
            """)

    package let name: String
    package let run: [String]
    package let check: [String]
    package let timeoutSeconds: Double
    package let runAs: String?
    package let disruption: Disruption

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        _ = try reader.state(of: CommandDeclaration.schema)
        run = try CommandDeclaration.program("run", reader)
        check = try CommandDeclaration.program("check", reader)
        timeoutSeconds = attributes["timeout"]?.double ?? 60
        guard timeoutSeconds > 0 && timeoutSeconds <= 86_400 else {
            throw AttributeFault("timeout", "timeout must be greater than 0 and at most 1d")
        }
        runAs = try PathAttributes.account("run_as", of: reader)
        let cost = try reader.optionalString("disruption") ?? "none"
        guard let disruption = Disruption(rawValue: cost) else {
            throw AttributeFault("disruption", "\"\(cost)\" is not a disruption class")
        }
        self.disruption = disruption
        if run == check {
            throw AttributeFault(
                "check", "check and run are the same program",
                hint: "check must only read, and exit 0 if nothing has to change")
        }
    }

    private static func program(
        _ attribute: String, _ reader: AttributeReader
    ) throws(AttributeFault) -> [String] {
        guard let words = try reader.optionalStrings(attribute), let program = words.first else {
            throw AttributeFault(
                attribute, "\(attribute) is missing",
                hint: "a command needs run, and check, which reports whether run is needed")
        }
        guard program.hasPrefix("/"), !program.contains(where: \.isWhitespace) else {
            throw AttributeFault(
                attribute, "\(ScalarText.shown(program)) is not the absolute path of a program",
                hint: "no search path and no shell are used: [/usr/bin/test, -e, /some/path]")
        }
        return words
    }

    package var owns: [Claim] { [.command(name)] }

    package var needs: [Claim] {
        Claim.ownership(owner: runAs, group: nil)
            + [run, check].compactMap(\.first).flatMap {
                [.path($0)] + Claim.directories(above: $0)
            }
    }
}
