import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `authorized_key`: lines of a file whose owner may be hostile.
package enum AuthorizedKeyBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var path: String
        var uid: UInt32
        var gid: UInt32
        /// The status of the file; nil if it does not exist.
        var status: FileStatus?
        var file: AuthorizedKeysFile
        /// The status of the file's directory; nil if it does not exist.
        var directory: FileStatus?
        /// Whether the directory is `.ssh` in the home.
        ///
        /// Only then it is created if missing, and its mode corrected.
        var ownsDirectory: Bool
        /// The status of the home if `ownsDirectory`; nil otherwise, or if it does not exist.
        var home: FileStatus?
        /// Whether only root can replace the directory or any directory above it.
        var isRootsAlone: Bool
        var isStrict: Bool
    }

    private static let limit = 1 << 20
    /// The mode bits that StrictModes forbids: with them, sshd ignores the file.
    private static let writableByOthers: UInt32 = 0o022

    package static func observe(
        _ declarations: [AuthorizedKeyDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        let files: AccountFiles
        let policy: AuthorizedKeysPolicy
        let elsewhere: [String: AccountFiles.User]
        do throws(AgentFault) {
            files = try AccountFiles(withPasswords: false, on: machine)
            policy = try AuthorizedKeysPolicy(on: machine)
            elsewhere = try files.elsewhere(users: declarations.map(\.owner), on: machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            let owner = declaration.owner
            guard let user = files.users[owner] ?? elsewhere[owner] else {
                throw AgentFault(
                    "no-user", "read the keys of \(owner)", cause: "no user \(owner)",
                    hint: "declare it, or correct the name")
            }
            return try observe(declaration, user, policy, on: machine)
        }
    }

    private static func observe(
        _ declaration: AuthorizedKeyDeclaration, _ user: AccountFiles.User,
        _ policy: AuthorizedKeysPolicy, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let usual = policy.path(user: user.name, home: user.home, uid: user.uid)
        guard let path = declaration.path ?? usual else {
            throw AgentFault(
                "no-file", "read the keys of \(user.name)",
                cause: "the host's sshd reads no authorized_keys files (AuthorizedKeysFile none)",
                hint: "change sshd_config, or declare a path")
        }
        let directory = PathName.parent(of: path)
        let ownsDirectory = directory == PathName.join(user.home, ".ssh")
        return try attempt("read \(path)") { () throws(SystemError) in
            let status = try machine.statusIfPresent(path)
            var text = ""
            if status?.type == .file {
                text = String(decoding: try machine.read(path, limit: limit), as: UTF8.self)
            }
            return Observation(
                path: path, uid: user.uid, gid: user.gid, status: status,
                file: AuthorizedKeysFile(text),
                directory: try machine.statusIfPresent(directory, followLinks: true),
                ownsDirectory: ownsDirectory,
                home: ownsDirectory
                    ? try machine.statusIfPresent(user.home, followLinks: true) : nil,
                isRootsAlone: try isRootsAlone(directory, on: machine), isStrict: policy.isStrict)
        }
    }

    /// Whether this directory and all above it belong to root and only root may write to them.
    private static func isRootsAlone(
        _ path: String, on machine: any Machine
    ) throws(SystemError) -> Bool {
        var directory = path
        while true {
            if let status = try machine.statusIfPresent(directory) {
                guard status.type == .directory, status.uid == 0,
                    status.mode & writableByOthers == 0
                else { return false }
            }
            if directory == "/" { return true }
            directory = PathName.parent(of: directory)
        }
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation
    ) -> Difference {
        let attempted = "write \(observation.path)"
        if let type = observation.status?.type, type != .file {
            return .blocked(
                AgentFault(
                    "wrong-type", attempted, cause: "there is a \(type.rawValue)",
                    hint: type == .symlink
                        ? "symlinks are not followed: use a file, or declare another path"
                        : nil))
        }
        if !declaration.isAbsent, let fault = homeFault(declaration, observation) {
            return .blocked(fault)
        }
        var changes = keyChanges(declaration, observation)
        if !declaration.isAbsent { changes += permissionChanges(observation) }
        if changes.isEmpty { return .asDeclared(reason(declaration, observation)) }
        let home = PathName.parent(of: PathName.parent(of: observation.path))
        if observation.directory == nil, !observation.ownsDirectory {
            let directory = PathName.parent(of: observation.path)
            return .blocked(
                AgentFault(
                    "no-directory", attempted, cause: "no directory \(directory)",
                    hint: "declare directory \(directory)"))
        }
        if let type = observation.directory?.type, type != .directory {
            return .blocked(
                AgentFault(
                    "wrong-type", attempted, cause: "\(home)/.ssh is a \(type.rawValue)",
                    hint: "remove it by hand"))
        }
        return .changes(changes)
    }

    /// A fault if the home is missing, or if its mode makes sshd ignore the file.
    private static func homeFault(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation
    ) -> AgentFault? {
        guard observation.ownsDirectory else { return nil }
        let path = PathName.parent(of: PathName.parent(of: observation.path))
        let attempted = "write \(observation.path)"
        guard let home = observation.home else {
            return AgentFault(
                "no-home", attempted, cause: "the home \(path) does not exist",
                hint: "declare the user with create_home, or the directory")
        }
        guard observation.isStrict, home.mode & writableByOthers != 0 else { return nil }
        return AgentFault(
            "home-writable", attempted,
            cause:
                "users other than the owner may write to \(path)"
                + " (mode \(PathText.octal(home.mode))), so sshd ignores the keys",
            hint: "chmod go-w \(path), or declare the directory's mode")
    }

    private static func keyChanges(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation
    ) -> [Change] {
        let found = observation.file.keys
        var changes: [Change] = []
        for key in declaration.keys {
            let lines = found.filter { $0.key.base64 == key.base64 }
            let comment = declaration.comment ?? key.comment
            guard let line = lines.first else {
                if declaration.isAbsent { continue }
                let new = PublicKeyLine(options: declaration.options, key: key, comment: comment)
                changes.append(Change("key", before: nil, after: .string(new.shown)))
                if !declaration.options.isEmpty {
                    changes.append(
                        Change("options", before: nil, after: .strings(declaration.options)))
                }
                continue
            }
            if declaration.isAbsent {
                changes.append(Change("key", before: .string(line.shown), after: nil))
                continue
            }
            if Set(line.options) != Set(declaration.options) {
                changes.append(
                    Change(
                        "options", before: .strings(line.options),
                        after: .strings(declaration.options)))
            }
            if let comment, comment != line.comment {
                changes.append(
                    Change("comment", before: .optional(line.comment), after: .string(comment)))
            }
            if lines.count > 1 {
                changes.append(Change("key", before: "given twice", after: "given once"))
            }
        }
        guard declaration.isExclusive else { return changes }
        let declared = Set(declaration.keys.map(\.base64))
        for line in found where !declared.contains(line.key.base64) {
            changes.append(Change("exclusive", before: .string(line.shown), after: nil))
        }
        return changes
    }

    /// The changes of mode and owner without which sshd would ignore the file.
    private static func permissionChanges(_ observation: Observation) -> [Change] {
        var changes: [Change] = []
        if let directory = observation.directory, directory.type == .directory,
            observation.ownsDirectory, observation.isStrict,
            directory.mode & writableByOthers != 0
        {
            changes.append(
                Change(
                    "directory_mode", before: .string(PathText.octal(directory.mode)),
                    after: .string(PathText.octal(directory.mode & ~writableByOthers))))
        }
        guard let status = observation.status, observation.isStrict else { return changes }
        if status.mode & writableByOthers != 0 {
            changes.append(
                Change("mode", before: .string(PathText.octal(status.mode)), after: "0600"))
        }
        if status.uid != observation.uid, status.uid != 0 {
            changes.append(
                Change(
                    "owner", before: .integer(Int(status.uid)),
                    after: .integer(Int(observation.uid))))
        }
        return changes
    }

    private static func reason(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation
    ) -> String {
        if declaration.isAbsent { return "not in \(observation.path)" }
        return "in \(observation.path)" + (declaration.isExclusive ? ", with no other keys" : "")
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        let directory = PathName.parent(of: observation.path)
        var images: [BeforeImage] = []
        if let status = observation.directory {
            if observation.ownsDirectory {
                images.append(
                    .metadata(
                        path: directory, mode: Int(status.mode), uid: Int(status.uid),
                        gid: Int(status.gid)))
            }
        } else {
            images.append(.nothing(path: directory))
        }
        guard let status = observation.status else {
            images.append(.nothing(path: observation.path))
            return images
        }
        images.append(
            .file(
                path: observation.path, content: try host.keep(Array(observation.file.text.utf8)),
                mode: Int(status.mode), uid: Int(status.uid), gid: Int(status.gid)))
        return images
    }

    package static func apply(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        // Read again: another resource may have changed the same file since.
        let text = try attempt("read \(observation.path)") { () throws(SystemError) in
            try host.machine.statusIfPresent(observation.path)?.type == .file
                ? try host.machine.textIfPresent(observation.path, limit: limit) : nil
        }
        let content = Array(wanted(declaration, AuthorizedKeysFile(text ?? "")).text.utf8)
        if observation.isRootsAlone {
            try writeAsRoot(content, observation, on: host.machine)
        } else {
            try writeAsOwner(content, declaration, observation, on: host.machine)
        }
    }

    /// The declared content: other lines keep their order, and new keys come last.
    private static func wanted(
        _ declaration: AuthorizedKeyDeclaration, _ file: AuthorizedKeysFile
    ) -> AuthorizedKeysFile {
        let declared = Dictionary(
            declaration.keys.map { ($0.base64, $0) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        var result = file
        result.lines = file.lines.compactMap { line in
            guard let found = line.key else { return line }
            guard let key = declared[found.key.base64] else {
                return declaration.isExclusive ? nil : line
            }
            guard !declaration.isAbsent, seen.insert(key.base64).inserted else { return nil }
            let comment = declaration.comment ?? key.comment ?? found.comment
            return .key(found.with(options: declaration.options, comment: comment))
        }
        if declaration.isAbsent { return result }
        for key in declaration.keys where !seen.contains(key.base64) {
            result.lines.append(
                .key(
                    PublicKeyLine(
                        options: declaration.options, key: key,
                        comment: declaration.comment ?? key.comment)))
        }
        return result
    }

    private static func writeAsRoot(
        _ content: [UInt8], _ observation: Observation, on machine: any Machine
    ) throws(AgentFault) {
        let directory = PathName.parent(of: observation.path)
        try attempt("write \(observation.path)") { () throws(SystemError) in
            if observation.directory == nil {
                try machine.makeDirectory(
                    directory, mode: 0o700, uid: observation.uid, gid: observation.gid)
            }
            try machine.replaceFile(
                observation.path, content: content, mode: mode(observation), uid: observation.uid,
                gid: observation.gid)
        }
    }

    private static func mode(_ observation: Observation) -> UInt32 {
        guard let mode = observation.status?.mode, mode & writableByOthers == 0 else {
            return 0o600
        }
        return mode
    }

    /// Writes the file.
    ///
    /// The arguments are the directory, the file, the mode of the file, and `mend` or `keep` for
    /// the mode of the directory. The new content is the standard input.
    private static let script = """
        set -eu
        umask 077
        [ -d "$1" ] || mkdir -- "$1"
        if [ "$4" = mend ]; then chmod go-w -- "$1"; fi
        t=$(mktemp -- "$1/.muster-XXXXXXXX")
        trap 'rm -f -- "$t"' EXIT
        cat >"$t"
        chmod -- "$3" "$t"
        sync -- "$t"
        mv -fT -- "$t" "$2"
        trap - EXIT
        """

    /// Writes the file with the rights of the user.
    ///
    /// The user could put a symlink into the path at any moment. With these rights, the write can
    /// reach only what the user may write anyway.
    private static func writeAsOwner(
        _ content: [UInt8], _ declaration: AuthorizedKeyDeclaration, _ observation: Observation,
        on machine: any Machine
    ) throws(AgentFault) {
        let directory = PathName.parent(of: observation.path)
        let mends =
            observation.ownsDirectory
            && (observation.directory.map { $0.mode & writableByOthers != 0 } ?? false)
        let call = ProgramCall(
            "/bin/sh",
            [
                "-c", script, "sh", directory, observation.path,
                String(mode(observation), radix: 8), mends ? "mend" : "keep",
            ], input: content, directory: "/", timeoutSeconds: 60, outputLimit: 1 << 16,
            identity: ChildIdentity(uid: observation.uid, gid: observation.gid))
        let attempted = "write \(observation.path) as \(declaration.owner)"
        let result = try attempt(attempted) { () throws(SystemError) in try machine.run(call) }
        if result.succeeded { return }
        let said = Excerpt.lines(of: result.errorText, most: 2).joined(separator: "; ")
        throw AgentFault(
            "write-failed", attempted, cause: said.isEmpty ? "the shell \(result.endText)" : said,
            hint: "the home and .ssh must exist and belong to the user")
    }
}
