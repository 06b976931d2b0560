import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `sysctl`.
package enum SysctlBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// What the kernel has now.
        package var running: Running
        /// What the next boot sets; nil where no file does.
        package var persisted: SysctlFiles.Setting?
        /// Whether our own file has a line of the key.
        package var isInOwnFile: Bool
    }

    package enum Running: Sendable, Equatable {
        case value(String)
        case noSuchKey
        case unreadable(String)
        /// Not read, since it is not managed.
        case unmanaged
    }

    package static func observe(
        _ declarations: [SysctlDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let files: SysctlFiles
        do {
            files = try SysctlFiles(on: host.machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        let own = ownKeys(of: Set(declarations.map(\.file)), in: files)
        return declarations.map { declaration in
            .success(
                Observation(
                    running: declaration.isPresent
                        ? running(declaration.key, on: host.machine) : .unmanaged,
                    persisted: files.effective(declaration.key),
                    isInOwnFile: own[declaration.file]?.contains(declaration.key) ?? false))
        }
    }

    private static func ownKeys(
        of paths: Set<String>, in files: SysctlFiles
    ) -> [String: Set<SysctlKey>] {
        var keys: [String: Set<SysctlKey>] = [:]
        for (path, text) in files.files where paths.contains(path) {
            keys[path] = Set(SysctlFiles.parse(text, path: path).map(\.key))
        }
        return keys
    }

    private static func running(_ key: SysctlKey, on machine: any Machine) -> Running {
        do throws(SystemError) {
            let bytes = try machine.read(key.procPath, limit: 65_536)
            return .value(SysctlValue.normal(String(decoding: bytes, as: UTF8.self)))
        } catch {
            return error.isNotFound || error.code == EISDIR ? .noSuchKey : .unreadable(error.reason)
        }
    }

    package static func diff(
        _ declaration: SysctlDeclaration, _ observation: Observation
    ) -> Difference {
        guard let value = declaration.value else { return removal(declaration, observation) }
        let current: String
        switch observation.running {
        case .value(let text): current = text
        case .noSuchKey:
            return .notApplicable("this kernel has no parameter \(declaration.key.dotted)")
        case .unreadable(let reason):
            return .unknown("\(declaration.key.procPath) cannot be read: \(reason)")
        case .unmanaged: return .unknown("the running value was not read")
        }
        var changes: [Change] = []
        let declared = JSON.string(SysctlValue.normal(value))
        if !SysctlValue.same(current, value) {
            changes.append(
                Change("value", layer: .running, before: .string(current), after: declared))
        }
        let persisted = observation.persisted?.value
        if persisted.map({ SysctlValue.same($0, value) }) != true {
            changes.append(
                Change(
                    "value", layer: .persisted,
                    before: .optional(persisted.map(SysctlValue.normal)), after: declared,
                    source: observation.persisted?.source))
        }
        guard changes.isEmpty else { return .changes(changes) }
        return .asDeclared(
            "running \(current), persisted by \(observation.persisted?.source ?? "?")")
    }

    private static func removal(
        _ declaration: SysctlDeclaration, _ observation: Observation
    ) -> Difference {
        guard observation.isInOwnFile else { return .asDeclared("no line in \(declaration.file)") }
        return .changes([
            Change(
                "state", layer: .persisted, before: "present", after: "absent",
                source: declaration.file)
        ])
    }

    package static func beforeImages(
        _ declaration: SysctlDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        for path in [PathName.parent(of: declaration.file), declaration.file] {
            let found = try PathObservation(
                path, accounts: Accounts(), on: host.machine)
            // A directory that is there is not touched.
            if path == declaration.file || found.status == nil {
                images.append(try found.fullImage(path, on: host))
            }
        }
        if case .value(let text) = observation.running {
            images.append(.sysctl(key: declaration.key.dotted, value: text))
        }
        return images
    }

    package static func apply(
        _ declaration: SysctlDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        // The kernel first: a value it refuses must not be what the next boot tries.
        if changes.contains(where: { $0.layer == .running }), let value = declaration.value {
            try setRunning(declaration.key, value, on: host.machine)
        }
        if changes.contains(where: { $0.layer == .persisted }) {
            try persist(declaration, on: host.machine)
        }
    }

    private static func setRunning(
        _ key: SysctlKey, _ value: String, on machine: any Machine
    ) throws(AgentFault) {
        let attempted = "set \(key.dotted) to \(value)"
        do {
            try machine.writeInPlace(key.procPath, Array((value + "\n").utf8))
        } catch {
            switch error.code {
            case EINVAL, ERANGE, EDOM:
                throw AgentFault(
                    "invalid-value", attempted,
                    cause: "the kernel refuses the value: \(error.reason)",
                    hint: "the kernel's documentation of \(key.dotted) says which values it takes")
            case EROFS, EACCES, EPERM:
                throw AgentFault(
                    "read-only", attempted, cause: "it cannot be set here: \(error.reason)",
                    hint: "in a container it belongs to the host outside; declare it there")
            default: throw AgentFault(attempted, error)
            }
        }
    }

    /// Puts our line in place or takes it away, and makes sure that it is what the next boot gives.
    private static func persist(
        _ declaration: SysctlDeclaration, on machine: any Machine
    ) throws(AgentFault) {
        let file = declaration.file
        let found = try PathObservation(file, accounts: Accounts(), on: machine)
        if let status = found.status, status.type != .file {
            let noun = PathText.noun(status.type, linkTarget: found.linkTarget)
            throw AgentFault(
                "wrong-type", "write \(file)", cause: "there is \(noun)",
                hint: "remove it, or name another file of /etc/sysctl.d with path")
        }
        // Read anew: another parameter's line may have been written a moment ago.
        let text = try found.status.map { (_) throws(AgentFault) in
            try readOwnFile(file, on: machine)
        }
        guard let value = declaration.value else {
            return try remove(declaration.key, from: text ?? "", file, found, on: machine)
        }
        if !found.hasParent {
            try attempt("make the directory \(PathName.parent(of: file))") {
                () throws(SystemError) in
                try machine.makeDirectory(PathName.parent(of: file), mode: 0o755, uid: 0, gid: 0)
            }
        }
        let new = SysctlOwnFile.setting(declaration.key, to: SysctlValue.normal(value), in: text)
        if new != text { try put(new, at: file, found, on: machine) }
        try checkWins(declaration, value, on: machine)
    }

    private static func readOwnFile(
        _ file: String, on machine: any Machine
    ) throws(AgentFault) -> String {
        let bytes = try attempt("read \(file)") { () throws(SystemError) in
            try machine.read(file, limit: 4 << 20)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw AgentFault(
                "not-text", "edit \(file)",
                cause: "it is not UTF-8, and other lines would be damaged",
                hint: "correct the file, or name another with path")
        }
        return text
    }

    private static func remove(
        _ key: SysctlKey, from text: String, _ file: String, _ found: PathObservation,
        on machine: any Machine
    ) throws(AgentFault) {
        if found.status == nil { return }
        if let rest = SysctlOwnFile.removing(key, from: text) {
            return try put(rest, at: file, found, on: machine)
        }
        try attempt("remove \(file)") { () throws(SystemError) in try machine.remove(file) }
    }

    private static func put(
        _ text: String, at file: String, _ found: PathObservation, on machine: any Machine
    ) throws(AgentFault) {
        let status = found.status
        try NewFile(
            path: file, content: Array(text.utf8), mode: status?.mode ?? 0o644,
            uid: status?.uid ?? 0, gid: status?.gid ?? 0
        ).put(on: machine)
    }

    private static func checkWins(
        _ declaration: SysctlDeclaration, _ value: String, on machine: any Machine
    ) throws(AgentFault) {
        let files = try SysctlFiles(on: machine)
        let winner = files.effective(declaration.key)
        if let winner, let set = winner.value, SysctlValue.same(set, value) { return }
        let attempted = "persist \(declaration.key.dotted) = \(SysctlValue.normal(value))"
        let hint = "remove that line, or declare path with a name that sorts after "
        guard let winner else {
            let exclusion = files.exclusion(of: declaration.key)
            throw AgentFault(
                "overridden", attempted,
                cause:
                    "\(exclusion?.source ?? "a file"), read after \(declaration.file), excludes it",
                hint: hint + PathName.last(of: exclusion?.path ?? "it"))
        }
        throw AgentFault(
            "overridden", attempted,
            cause: "\(winner.source), read after \(declaration.file), sets it to "
                + SysctlValue.normal(winner.value ?? ""),
            hint: hint + PathName.last(of: winner.path))
    }
}
