import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `file`.
package enum FileBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        package var path: PathObservation
        /// The digest of the content found; nil if the size already shows that it differs.
        package var digest: Digest?
        /// The content found, for a diff; nil if no diff is wanted or allowed.
        package var text: String?
    }

    /// The maximum size in bytes of content that a diff shows.
    private static let shownLimit = 65_536

    package static func observe(
        _ declarations: [FileDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        observeEach(declarations, on: host, owner: \.owner, group: \.ownerGroup) {
            (declaration, accounts) throws(AgentFault) in
            let path = try PathObservation(
                declaration.path, owner: declaration.owner, group: declaration.ownerGroup,
                accounts: accounts, on: host.machine)
            try checkType(declaration, path)
            return try readContent(declaration, Observation(path: path), on: host)
        }
    }

    /// Throws if the path holds something that a file must not replace.
    private static func checkType(
        _ declaration: FileDeclaration, _ observation: PathObservation
    ) throws(AgentFault) {
        guard let type = observation.status?.type, type != .file else { return }
        // A symlink is replaced by the file or removed; it is never followed.
        if type == .symlink && (declaration.content != nil || !declaration.isPresent) { return }
        let noun = PathText.noun(type, linkTarget: observation.linkTarget)
        throw AgentFault(
            "wrong-type",
            declaration.isPresent
                ? "manage the file \(declaration.path)"
                : "remove the file \(declaration.path)",
            cause: "there is \(noun)",
            hint: type == .symlink
                ? "symlinks are not followed: declare the file that it points to"
                : "remove it by hand, or correct the path")
    }

    private static func readContent(
        _ declaration: FileDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> Observation {
        guard let content = declaration.content, let status = observation.path.status,
            status.type == .file
        else { return observation }
        var observation = observation
        // A file of another size cannot have the digest. A changed secret is shown by its digests.
        if status.size == Int64(content.size) || content.isSecret {
            observation.digest = try digest(of: declaration.path, on: host.machine)
        }
        let isReadableByOthers = status.mode & 0o044 != 0
        if host.wantsContent, observation.digest != content.digest, !content.isSecret,
            isReadableByOthers, status.size <= Int64(shownLimit)
        {
            let bytes = try attempt("read \(declaration.path)") { () throws(SystemError) in
                try host.machine.read(declaration.path, limit: shownLimit)
            }
            observation.text = String(validating: bytes, as: UTF8.self)
        }
        return observation
    }

    private static func digest(
        of path: String, on machine: any Machine
    ) throws(AgentFault) -> Digest {
        var hasher = Digest.Hasher()
        try attempt("read \(path)") { () throws(SystemError) in
            try machine.read(path) { hasher.update($0) }
        }
        return hasher.finish()
    }

    package static func diff(
        _ declaration: FileDeclaration, _ observation: Observation
    ) -> Difference {
        let found = observation.path
        guard declaration.isPresent else {
            guard let status = found.status else { return .asDeclared("not there") }
            return .changes([
                Change("state", before: .string(presence(status.type)), after: "absent")
            ])
        }
        if let obstacle = found.obstacle(to: "write \(declaration.path)", path: declaration.path) {
            return .blocked(obstacle)
        }
        guard let status = found.status else { return creation(declaration, found) }
        var changes: [Change] = []
        if status.type == .symlink {
            changes.append(
                Change(
                    "type", before: .string("symlink to \(found.linkTarget ?? "?")"), after: "file")
            )
        }
        if let content = declaration.content, observation.digest != content.digest {
            changes.append(
                Change(
                    "content", before: contentFound(observation, content), after: text(of: content),
                    beforeText: observation.text))
        }
        if status.type == .symlink {
            let asNew = PathObservation.absent(with: found.ownership)
            changes += metadata(declaration, asNew)
        } else {
            changes += metadata(declaration, found)
        }
        if !changes.isEmpty { return .changes(changes) }
        return .asDeclared(reason(declaration, found))
    }

    private static func creation(
        _ declaration: FileDeclaration, _ found: PathObservation
    ) -> Difference {
        guard let content = declaration.content else {
            return .blocked(
                AgentFault(
                    "not-found", "manage the mode and owner of \(declaration.path)",
                    cause: "there is no such file",
                    hint: "declare its content too, or the package that provides it"))
        }
        return .changes(
            [
                Change("state", before: "absent", after: "present"),
                Change("content", before: nil, after: text(of: content)),
            ] + metadata(declaration, found))
    }

    private static func presence(_ type: FileStatus.FileType) -> String {
        type == .file ? "present" : type.rawValue
    }

    private static func metadata(
        _ declaration: FileDeclaration, _ found: PathObservation
    ) -> [Change] {
        found.metadataChanges(
            mode: declaration.mode, owner: declaration.owner, group: declaration.ownerGroup,
            newMode: newMode)
    }

    private static func reason(
        _ declaration: FileDeclaration, _ found: PathObservation
    ) -> String {
        ((declaration.content == nil ? [] : ["same content"])
            + found.metadataReasons(
                mode: declaration.mode, owner: declaration.owner, group: declaration.ownerGroup))
            .joined(separator: ", ")
    }

    /// The mode of a new file if none is declared.
    private static let newMode: UInt32 = 0o644

    private static func text(of content: FileDeclaration.Content) -> JSON {
        content.isSecret
            ? ["secret": .string(content.digest.description)]
            : ["sha256": .string(content.digest.description), "size": .integer(content.size)]
    }

    private static func contentFound(
        _ observation: Observation, _ content: FileDeclaration.Content
    ) -> JSON? {
        guard let status = observation.path.status, status.type == .file else { return nil }
        let digest = JSON.optional(observation.digest?.description)
        return content.isSecret
            ? .compact(["secret": digest])
            : .compact(["sha256": digest, "size": .integer(Int(status.size))])
    }

    package static func beforeImages(
        _ declaration: FileDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        if declaration.isPresent && !replacesContent(declaration, observation) {
            return [observation.path.metadataImage(declaration.path)]
        }
        return [try observation.path.fullImage(declaration.path, on: host)]
    }

    private static func replacesContent(
        _ declaration: FileDeclaration, _ observation: Observation
    ) -> Bool {
        guard let content = declaration.content else { return false }
        return observation.path.status?.type != .file || observation.digest != content.digest
    }

    package static func apply(
        _ declaration: FileDeclaration, _ observation: Observation, changes: [Change], on host: Host
    ) throws(AgentFault) {
        let found = observation.path
        guard declaration.isPresent else {
            return try attempt("remove \(declaration.path)") { () throws(SystemError) in
                try host.machine.remove(declaration.path)
            }
        }
        guard let content = declaration.content, replacesContent(declaration, observation) else {
            return try found.applyMetadata(
                declaration.path, mode: declaration.mode, on: host.machine)
        }
        let before = found.status?.type == .file ? found.status : nil
        let new = NewFile(
            path: declaration.path, content: try host.content(content.digest),
            mode: declaration.mode ?? before?.mode ?? newMode,
            uid: found.ownership.uid ?? before?.uid ?? 0,
            gid: found.ownership.gid ?? before?.gid ?? 0)
        try new.put(
            validate: declaration.validate, showsOutput: !content.isSecret, on: host.machine)
    }
}
