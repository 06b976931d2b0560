import FleetModel
import Linux
import SystemFaults
import Wire

/// What was found at a path, and the accounts that were wanted for it.
package struct PathObservation: Sendable {
    /// The status of the path itself; nil where nothing is there.
    package var status: FileStatus?
    /// Whether the directory it lies in is there.
    package var hasParent = true
    /// Where a symbolic link at the path points.
    package var linkTarget: String?
    /// The names of the owner and group found.
    package var ownerName = ""
    package var groupName = ""
    /// The numbers wanted.
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

    /// As if nothing were there: what takes the place of something else starts anew.
    package static func absent(with ownership: Ownership) -> PathObservation {
        PathObservation(ownership: ownership)
    }

    private init(ownership: Ownership) { self.ownership = ownership }

    /// Why it cannot be made as things stand: no directory to lie in, no such owner.
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

    /// The differences in owner and mode; of a new path all three, with their effective values.
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

    /// What of owner and mode is managed and as declared: `mode 0644`, `owner root:adm`.
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

    /// Sets owner and mode of a path that is there, as far as they are managed and differ.
    package func applyMetadata(
        _ path: String, mode: UInt32?, on machine: any Machine
    ) throws(AgentFault) {
        guard let status else { return }
        let uid = ownership.uid ?? status.uid
        let gid = ownership.gid ?? status.gid
        var currentMode = status.mode
        // Without being undone, a mode that is not managed would stay without its set-uid bit for good.
        try undoing { (undo) throws(AgentFault) in
            undo.add(
                .metadata(path, mode: status.mode, uid: status.uid, gid: status.gid, on: machine))
            if uid != status.uid || gid != status.gid {
                try attempt("change the owner of \(path)") { () throws(SystemError) in
                    try machine.setOwner(path, uid: uid, gid: gid)
                }
                // The kernel drops set-uid and set-gid when an owner changes.
                currentMode = currentMode & ~0o6000
            }
            guard (mode ?? status.mode) != currentMode else { return }
            try attempt("change the mode of \(path)") { () throws(SystemError) in
                try machine.setMode(path, mode ?? status.mode)
            }
        }
    }

    /// The before-image of owner and mode alone.
    package func metadataImage(_ path: String) -> BeforeImage {
        guard let status else { return .nothing(path: path) }
        return .metadata(
            path: path, mode: Int(status.mode), uid: Int(status.uid), gid: Int(status.gid))
    }

    /// The before-image of whatever is at a path, a file's content kept.
    package func fullImage(_ path: String, on host: Host) throws(AgentFault) -> BeforeImage {
        guard let status else { return .nothing(path: path) }
        switch status.type {
        case .symlink: return .symlink(path: path, target: linkTarget ?? "")
        case .directory:
            return .directory(
                path: path, mode: Int(status.mode), uid: Int(status.uid), gid: Int(status.gid))
        default:
            let content = try attempt("keep \(path) as it is before the change") {
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
    /// The most bytes of one file that are kept as a before-image.
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
