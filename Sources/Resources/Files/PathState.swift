import FleetModel
import Linux
import SystemFaults

/// What is at a path, whole: enough to put it back.
enum PathState: Sendable, Equatable {
    case nothing
    case file(content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32)
    case directory(mode: UInt32, uid: UInt32, gid: UInt32)
    case link(target: String)
    /// A socket, a device, a pipe: it cannot be made again.
    case other(FileStatus.FileType)

    /// Reads what is there, links not followed; EFBIG for a file larger than before-images keep.
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

    /// Makes the path so; the directory above it must be there.
    ///
    /// A directory goes only where it is empty: what others put into it since is not ours to remove.
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

    /// Sets owner and mode; the mode last, since the kernel drops bits of it with the owner.
    static func setMetadata(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32, on machine: any Machine
    ) throws(SystemError) {
        try machine.setOwner(path, uid: uid, gid: gid)
        try machine.setMode(path, mode)
    }
}

extension Restoration {
    /// What is at a path now.
    static func path(_ path: String, on machine: any Machine) throws(AgentFault) -> Restoration {
        let state = try attempt("keep \(path) as it is before the change") {
            () throws(SystemError) in
            try PathState(path, on: machine)
        }
        return .path(path, state, on: machine)
    }

    /// What was at a path.
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

    /// The owner and mode of a path whose content is not touched.
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
