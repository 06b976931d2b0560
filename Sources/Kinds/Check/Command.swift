import FleetModel
import Wire

/// A declared `command`: a program that makes something so, and one that tells whether it is.
package struct CommandDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .command, "A program to run where a read-only check says that it must be.",
        traits: KindTraits(
            changes: .anything, reads: .anything, names: .exact, remains: .nothing, rivals: [],
            handler: .program),
        nameType: .string, nameSummary: "What it brings about.", states: ["present"],
        attributes: [
            AttributeSchema(
                "run", .list(.string), required: true,
                "The program that makes the change, and its arguments. No shell."),
            AttributeSchema(
                "check", .list(.string), required: true,
                "The program that only reads. Exit 0: as declared. Exit 1: to be changed. Anything "
                    + "else, or running out of time: it could not be told."),
            AttributeSchema(
                "timeout", .duration, default: 60, "How long each of the two may take."),
            AttributeSchema(
                "run_as", .string, "The user to run as, by name or number. Default: root."),
            AttributeSchema(
                "disruption", .oneOf(Disruption.allCases.map(\.rawValue)), default: "none",
                "What a change costs, as only its author can know."),
        ],
        notes: [
            "In plan and check the check program runs where it cannot write, as an unprivileged user "
                + "that may read everything.",
            "The check runs again after run; where it still does not exit 0 the resource has failed.",
            "There is no record of what was before: a rollback does not undo it. Prefer another kind.",
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
            throw AttributeFault("timeout", "a timeout is more than 0 and at most one day")
        }
        runAs = try PathAttributes.account("run_as", of: reader)
        let cost = try reader.optionalString("disruption") ?? "none"
        guard let disruption = Disruption(rawValue: cost) else {
            throw AttributeFault("disruption", "\"\(cost)\" is not a class of disruption")
        }
        self.disruption = disruption
        if run == check {
            throw AttributeFault(
                "check", "check is the program that makes the change",
                hint: "give a program that only reads, and exits 0 where all is as declared")
        }
    }

    private static func program(
        _ attribute: String, _ reader: AttributeReader
    ) throws(AttributeFault) -> [String] {
        guard let words = try reader.optionalStrings(attribute), let program = words.first else {
            throw AttributeFault(
                attribute, "\(attribute) is missing",
                hint: "a command has run, and check, which tells whether run is needed")
        }
        guard program.hasPrefix("/"), !program.contains(where: \.isWhitespace) else {
            throw AttributeFault(
                attribute, "\(ScalarText.shown(program)) is not the absolute path of a program",
                hint: "there is no search path and no shell: [/usr/bin/test, -e, /some/path]")
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
