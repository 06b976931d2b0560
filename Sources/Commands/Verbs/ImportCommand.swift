import CommandLineKit
import Diagnostics
import Fleet
import Linux
import TunedImport
import Wire

/// `muster import`: writes a role from what another tool declares.
enum ImportCommand: Command {
    static let spec = VerbSpec(
        "import", "turns a tuned profile into a role",
        description: [
            "Reads PROFILE (a name or a folder), the profiles that it includes, and its "
                + "variables, and prints a role with the same settings. A variable without a "
                + "value becomes a parameter of the role.",
            "A setting that no resource can express is refused, with its place and the reason. "
                + "Nothing is printed then, unless --partial is given, which leaves refused "
                + "settings out. A note tells where the role does not do exactly the same as the "
                + "profile.",
        ],
        arguments: [
            ArgumentSpec(
                "tuned", required: true, "the tool to import from; only tuned is supported"),
            ArgumentSpec(
                "PROFILE", required: true,
                "the name of a profile, or the folder with its tuned.conf"),
        ],
        options: [
            OptionSpec(
                "root", .text("DIR"),
                "a copy of a host's /etc and /usr, to be read instead of this machine's"),
            OptionSpec("role", .text("NAME"), "the name of the role (default: tuned_PROFILE)"),
            OptionSpec("partial", flag: "leave out refused settings"),
            OptionSpec(
                "write", flag: "write Roles/NAME/role.yaml of the fleet instead of printing"),
        ],
        examples: [
            ("muster import tuned network-latency", "the role, on stdout"),
            (
                "muster import tuned realtime --root ./dump --partial --write",
                "from a copy of a host, without refused settings"
            ),
        ])

    static func run(_ context: CommandContext) async throws -> ExitCode {
        let call = context.invocation
        guard call.arguments[0] == "tuned" else {
            throw Diagnostic(
                "unknown-source", "cannot import from \(call.arguments[0])",
                hint: "the only tool is tuned: muster import tuned PROFILE", exitCode: .usage)
        }
        let role = try role(call.arguments[1], context)
        show(role, context)
        if !role.refused.isEmpty, !call.flag("partial") {
            throw Diagnostic(
                "not-importable",
                "cannot turn all of \(role.profile.name) into a role: "
                    + "\(role.refused.count) setting\(role.refused.count == 1 ? "" : "s") refused",
                hint: "--partial makes a role without the refused settings", exitCode: .refused)
        }
        if call.flag("write") {
            try write(role, context)
        } else if context.format == "text" {
            context.output.data(role.text)
        } else {
            context.output.data(json(role), format: context.format)
        }
        return .done
    }

    private static func role(_ profile: String, _ context: CommandContext) throws -> TunedRole {
        let call = context.invocation
        let machine = LocalMachine()
        let root = call.value("root") ?? ""
        func real(_ path: String) -> String {
            let whole = path.hasPrefix("/") ? root + path : path
            return PathName.join(context.workingDirectory, whole)
        }
        // A profile given as a folder is read from this machine, even with --root.
        let isFolder = profile.contains("/")
        // Without this, a file that exists but cannot be read would be left out without a message.
        var unreadable: SystemError?
        do {
            let read = try TunedProfile(profile, folders: ["/etc/tuned", "/usr/lib/tuned"]) {
                path in
                let own = isFolder && path.hasPrefix(profile)
                let place = own ? PathName.join(context.workingDirectory, path) : real(path)
                do throws(SystemError) {
                    return try machine.textIfPresent(place, limit: 1 << 20)
                } catch {
                    unreadable = unreadable ?? error
                    return nil
                }
            }
            if let unreadable { throw cannotRead(unreadable) }
            let plain = read.name.map { $0.isLetter || $0.isNumber ? $0 : "_" }
            return TunedRole(read, name: call.value("role") ?? "tuned_" + String(plain))
        } catch let error as TunedProfile.Fault {
            if let unreadable { throw cannotRead(unreadable) }
            throw Diagnostic(
                "no-profile", "cannot read the tuned profile \(profile)", cause: error.cause,
                hint: error.hint)
        }
    }

    private static func cannotRead(_ error: SystemError) -> Diagnostic {
        Diagnostic(
            "unreadable", "cannot read \(error.object): \(error.reason)", hint: error.hint,
            exitCode: .badInput)
    }

    private static func show(_ role: TunedRole, _ context: CommandContext) {
        for remark in role.remarks {
            context.output.remark("\(remark.place): note: \(remark.setting): \(remark.reason)")
        }
        for refusal in role.refused {
            context.output.remark(
                "\(refusal.place): refused: \(refusal.setting): \(refusal.reason)")
            if let hint = refusal.hint { context.output.remark("  hint: \(hint)") }
        }
    }

    private static func write(_ role: TunedRole, _ context: CommandContext) throws {
        let fleet = try context.fleetDirectory()
        let folder = PathName.join(fleet.roles, role.name)
        let machine = LocalMachine()
        if try machine.statusIfPresent(folder) != nil {
            throw Diagnostic(
                "exists", "\(folder) exists already", hint: "choose another --role",
                exitCode: .refused)
        }
        try machine.makeDirectory(folder, mode: 0o755, uid: .max, gid: .max)
        try machine.replaceFile(
            PathName.join(folder, "role.yaml"), content: Array(role.text.utf8), mode: 0o644,
            uid: .max, gid: .max)
        context.output.remark("wrote \(folder)/role.yaml")
    }

    private static func json(_ role: TunedRole) -> JSON {
        func list(_ all: [TunedRefusal]) -> JSON {
            .array(
                all.map {
                    .compact([
                        "place": .string($0.place), "setting": .string($0.setting),
                        "reason": .string($0.reason), "hint": .optional($0.hint),
                    ])
                })
        }
        return [
            "format_version": 1, "profile": .string(role.profile.name),
            "includes": .strings(role.profile.includes), "role": .string(role.name),
            "text": .string(role.text), "notes": list(role.remarks), "refused": list(role.refused),
        ]
    }
}
