import FleetModel
import Linux
import SystemFaults
import Wire

/// What was found at a path, and the declared owner and group for it.
package struct PathObservation: Sendable {
    /// The status of the path, symlinks not followed; nil if it does not exist.
    package var status: FileStatus?
    /// Whether the directory above the path exists.
    package var hasParent = true
    /// The target of the symlink at the path; nil if it is not a symlink.
    package var linkTarget: String?
    /// The names of the current owner and group.
    package var ownerName = ""
    package var groupName = ""
    /// The declared owner and group.
    package var ownership: Ownership

    package init(
        _ path: String, owner: String? = nil, group: String? = nil, accounts: Accounts,
        on machine: any Machine
    ) throws(AgentFault) {
        ownership = try Ownership(owner: owner, group: group, in: accounts)
        status = try attempt("read the status of \(path)") { () throws(SystemError) in
            try machine.statusIfPresent(path)
        }
        guard let status else {
            let parent = PathName.parent(of: path)
            hasParent = try attempt("read the status of \(parent)") { () throws(SystemError) in
                try machine.statusIfPresent(parent, followLinks: true)?.type == .directory
            }
            return
        }
        ownerName = accounts.userName(status.uid)
        groupName = accounts.groupName(status.gid)
        if status.type == .symlink {
            linkTarget = try attempt("read the link \(path)") { () throws(SystemError) in
                try machine.linkTarget(path)
            }
        }
    }

    /// An observation as if the path did not exist, for a file that replaces something else.
    package static func absent(with ownership: Ownership) -> PathObservation {
        PathObservation(ownership: ownership)
    }

    private init(ownership: Ownership) { self.ownership = ownership }

    /// Why the path cannot be created now: the directory above it or the owner does not exist.
    package func obstacle(to attempted: String, path: String) -> AgentFault? {
        if !hasParent {
            let parent = PathName.parent(of: path)
            return AgentFault(
                "no-directory", attempted, cause: "no directory \(parent)",
                hint: "declare directory \(parent), or correct the path")
        }
        if let missing = ownership.missing {
            return AgentFault(
                "no-account", attempted, cause: missing,
                hint: "declare it, or correct the name")
        }
        return nil
    }

    /// The differences in mode, owner and group; for a new path, all three with effective values.
    package func metadataChanges(
        mode: UInt32?, owner: String?, group: String?, newMode: UInt32
    ) -> [Change] {
        guard let status else {
            return [
                Change("mode", before: nil, after: .string(PathText.octal(mode ?? newMode))),
                Change("owner", before: nil, after: .string(owner ?? "root")),
                Change("owner_group", before: nil, after: .string(group ?? "root")),
            ]
        }
        var changes: [Change] = []
        if let mode, mode != status.mode {
            changes.append(
                Change(
                    "mode", before: .string(PathText.octal(status.mode)),
                    after: .string(PathText.octal(mode))))
        }
        if let owner, ownership.uid != status.uid {
            changes.append(
                Change("owner", before: .string(ownerName), after: .string(owner)))
        }
        if let group, ownership.gid != status.gid {
            changes.append(
                Change("owner_group", before: .string(groupName), after: .string(group)))
        }
        return changes
    }

    /// The declared mode, owner and group, as reasons: `mode 0644`, `owner root:adm`.
    package func metadataReasons(mode: UInt32?, owner: String?, group: String?) -> [String] {
        var reasons: [String] = []
        if let mode { reasons.append("mode \(PathText.octal(mode))") }
        switch (owner, group) {
        case (let owner?, let group?): reasons.append("owner \(owner):\(group)")
        case (let owner?, nil): reasons.append("owner \(owner)")
        case (nil, let group?): reasons.append("group \(group)")
        case (nil, nil): break
        }
        return reasons
    }

    /// Sets owner and mode of an existing path, where they are declared and differ.
    package func applyMetadata(
        _ path: String, mode: UInt32?, on machine: any Machine
    ) throws(AgentFault) {
        guard let status else { return }
        let uid = ownership.uid ?? status.uid
        let gid = ownership.gid ?? status.gid
        var currentMode = status.mode
        // If setting the mode fails, the set-uid bit that chown(2) cleared must be restored.
        try undoing { (undo) throws(AgentFault) in
            undo.add(
                .metadata(path, mode: status.mode, uid: status.uid, gid: status.gid, on: machine))
            if uid != status.uid || gid != status.gid {
                try attempt("change the owner of \(path)") { () throws(SystemError) in
                    try machine.setOwner(path, uid: uid, gid: gid)
                }
                // The kernel clears set-uid and set-gid when the owner changes.
                currentMode = currentMode & ~0o6000
            }
            guard (mode ?? status.mode) != currentMode else { return }
            try attempt("change the mode of \(path)") { () throws(SystemError) in
                try machine.setMode(path, mode ?? status.mode)
            }
        }
    }

    /// The before-image of owner and mode only.
    package func metadataImage(_ path: String) -> BeforeImage {
        guard let status else { return .nothing(path: path) }
        return .metadata(
            path: path, mode: Int(status.mode), uid: Int(status.uid), gid: Int(status.gid))
    }

    /// The full before-image of a path; a file's content is stored as a blob.
    package func fullImage(_ path: String, on host: Host) throws(AgentFault) -> BeforeImage {
        guard let status else { return .nothing(path: path) }
        switch status.type {
        case .symlink: return .symlink(path: path, target: linkTarget ?? "")
        case .directory:
            return .directory(
                path: path, mode: Int(status.mode), uid: Int(status.uid), gid: Int(status.gid))
        default:
            let content = try attempt("save \(path) before the change") {
                () throws(SystemError) in
                try host.machine.read(path, limit: PathText.keptLimit)
            }
            return .file(
                path: path, content: try host.keep(content), mode: Int(status.mode),
                uid: Int(status.uid), gid: Int(status.gid))
        }
    }
}

/// Texts about paths.
package enum PathText {
    /// The maximum size in bytes of a file that is stored as a before-image.
    package static let keptLimit = 1 << 29

    /// Permission bits as four octal digits.
    package static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// What is at a path, for messages: `a directory`, `a symbolic link to /x`.
    package static func noun(_ type: FileStatus.FileType, linkTarget: String? = nil) -> String {
        switch type {
        case .symlink: "a symbolic link" + (linkTarget.map { " to \($0)" } ?? "")
        case .file: "a regular file"
        default: "a \(type.rawValue)"
        }
    }
}
