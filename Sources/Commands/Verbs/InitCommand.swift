import CommandLineKit
import Diagnostics
import Linux

/// `muster init DIR`: makes a working fleet directory to start from.
enum InitCommand: Command {
    static let spec = VerbSpec(
        "init", "makes a fleet directory to start from",
        description: [
            "Writes a small inventory, one role and site.yaml; they are valid without changes. "
                + "Existing files are not overwritten."
        ],
        arguments: [ArgumentSpec("DIR", required: true, "the directory to make")],
        examples: [("muster init fleet", "then: cd fleet && muster validate")])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let name = context.invocation.arguments[0]
        let root = PathName.join(context.workingDirectory, name)
        let machine = LocalMachine()
        for (path, _) in files {
            if try machine.statusIfPresent(PathName.join(root, path)) != nil {
                throw Diagnostic(
                    "exists", "\(PathName.join(name, path)) exists already",
                    hint: "name a directory that is not yet a fleet directory", exitCode: .refused)
            }
        }
        for (path, content) in files {
            let whole = PathName.join(root, path)
            try makeParents(of: whole, machine)
            try machine.replaceFile(
                whole, content: Array(content.utf8), mode: 0o644, uid: .max, gid: .max)
            context.output.remark("wrote \(PathName.join(name, path))")
        }
        context.output.data(
            """
            \(name) is a fleet directory. Next:
              cd \(name)
              muster validate            checks all files
              edit Inventory/hosts.yaml  name your hosts
              muster ping --accept-new   first contact
              muster plan                what would change

            """)
        return .done
    }

    private static func makeParents(of path: String, _ machine: LocalMachine) throws {
        let parent = PathName.parent(of: path)
        if try machine.statusIfPresent(parent, followLinks: true) != nil { return }
        try makeParents(of: parent, machine)
        try machine.makeDirectory(parent, mode: 0o755, uid: .max, gid: .max)
    }

    private static let files: [(path: String, content: String)] = [
        (
            "Inventory/hosts.yaml",
            """
            # Ansible's inventory format: groups of hosts, with variables.
            all:
              children:
                trading:
                  hosts:
                    md[01:02]:

            """
        ),
        (
            "Inventory/site.yaml",
            """
            # Which hosts have which roles.
            - hosts: trading
              roles: [banner]

            """
        ),
        (
            "Inventory/settings.yaml",
            """
            # How to reach the hosts; every key is optional.
            ssh:
              connect_timeout: 10s
            limits:
              forks: 64

            """
        ),
        (
            "Roles/banner/role.yaml",
            """
            description: What a person sees on login.
            parameters:
              owner: {type: string, default: "the trading systems team", description: Whom to ask.}
            resources:
              - file: /etc/motd
                template: motd.j2
                mode: "0644"

            """
        ),
        (
            "Roles/banner/templates/motd.j2",
            """
            {{ inventory_hostname }} is managed by muster. Changes made by hand are found and undone.
            Ask {{ owner }}.

            """
        ),
        (
            "Roles/banner/README.md",
            """
            # banner

            The message of the day, saying who owns the host.

            """
        ),
        (".gitignore", "/.muster/\n"),
    ]
}
