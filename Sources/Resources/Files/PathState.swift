import FleetModel
import Linux
import SystemFaults

/// The full state of a path, enough to restore it.
enum PathState: Sendable, Equatable {
    case nothing
    case file(content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32)
    case directory(mode: UInt32, uid: UInt32, gid: UInt32)
    case link(target: String)
    /// A socket, a device or a pipe, which cannot be restored.
    case other(FileStatus.FileType)

    /// Reads the state; symlinks are not followed.
    ///
    /// Throws EFBIG if a file is larger than the limit of before-images.
    init(_ path: String, on machine: any Machine) throws(SystemError) {
        guard let status = try machine.statusIfPresent(path) else {
            self = .nothing
            return
        }
        switch status.type {
        case .file:
            self = .file(
                content: try machine.read(path, limit: PathText.keptLimit), mode: status.mode,
                uid: status.uid, gid: status.gid)
        case .directory:
            self = .directory(mode: status.mode, uid: status.uid, gid: status.gid)
        case .symlink: self = .link(target: try machine.linkTarget(path))
        default: self = .other(status.type)
        }
    }

    /// Restores the state at the path; the directory above it must exist.
    ///
    /// A directory is removed only if it is empty: entries that others have added are kept.
    func put(at path: String, on machine: any Machine) throws(SystemError) {
        let status = try machine.statusIfPresent(path)
        switch self {
        case .nothing:
            if status != nil { try machine.remove(path) }
        case .file(let content, let mode, let uid, let gid):
            if status?.type == .directory { try machine.remove(path) }
            try machine.replaceFile(path, content: content, mode: mode, uid: uid, gid: gid)
        case .directory(let mode, let uid, let gid):
            if let status, status.type != .directory { try machine.remove(path) }
            guard status?.type == .directory else {
                return try machine.makeDirectory(path, mode: mode, uid: uid, gid: gid)
            }
            try PathState.setMetadata(path, mode: mode, uid: uid, gid: gid, on: machine)
        case .link(let target):
            if status?.type == .directory { try machine.remove(path) }
            try machine.replaceLink(path, target: target)
        case .other: break
        }
    }

    /// Sets the owner, then the mode, because the kernel clears mode bits when the owner changes.
    static func setMetadata(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32, on machine: any Machine
    ) throws(SystemError) {
        try machine.setOwner(path, uid: uid, gid: gid)
        try machine.setMode(path, mode)
    }
}

extension Restoration {
    /// Restores the current state of a path.
    static func path(_ path: String, on machine: any Machine) throws(AgentFault) -> Restoration {
        let state = try attempt("save \(path) before the change") {
            () throws(SystemError) in
            try PathState(path, on: machine)
        }
        return .path(path, state, on: machine)
    }

    /// Restores the given state of a path.
    static func path(
        _ path: String, _ state: PathState, on machine: any Machine
    ) -> Restoration {
        Restoration(path) { () throws(AgentFault) in
            try attempt("read \(path)") { () throws(SystemError) in
                try PathState(path, on: machine) == state
            }
        } putBack: { () throws(AgentFault) in
            try attempt("put back \(path)") { () throws(SystemError) in
                try state.put(at: path, on: machine)
            }
        }
    }

    /// Restores owner and mode of a path, not its content.
    static func metadata(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32, on machine: any Machine
    ) -> Restoration {
        Restoration("owner and mode of \(path)") { () throws(AgentFault) in
            try attempt("look at \(path)") { () throws(SystemError) in
                let status = try machine.status(path, followLinks: false)
                return (status.mode, status.uid, status.gid) == (mode, uid, gid)
            }
        } putBack: { () throws(AgentFault) in
            try attempt("put back owner and mode of \(path)") { () throws(SystemError) in
                try PathState.setMetadata(path, mode: mode, uid: uid, gid: gid, on: machine)
            }
        }
    }
}
