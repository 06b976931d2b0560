import Compiler
import Linux
import Wire

/// The files of a fleet directory on this machine's disk.
enum DiskFiles {
    static func files(in directory: FleetDirectory) -> FleetFiles {
        let root = directory.path
        return FleetFiles(
            read: { (path) throws(FleetFileFault) in
                try translated { () throws(SystemError) in
                    try LocalMachine().read(PathName.join(root, path), limit: 1 << 30)
                }
            },
            list: { (path) throws(FleetFileFault) in
                try translated { () throws(SystemError) in
                    let machine = LocalMachine()
                    let folder = PathName.join(root, path)
                    var entries: [FleetFiles.Entry] = []
                    for name in try machine.list(folder) {
                        let status = try machine.status(
                            PathName.join(folder, name), followLinks: true)
                        entries.append(
                            FleetFiles.Entry(name, isFolder: status.type == .directory))
                    }
                    return entries
                }
            },
            digest: { (path) throws(FleetFileFault) in
                try translated { () throws(SystemError) in
                    var hasher = Digest.Hasher()
                    var size = 0
                    try LocalMachine().read(PathName.join(root, path)) { piece in
                        hasher.update(piece)
                        size += piece.count
                    }
                    return FleetFiles.Digested(digest: hasher.finish(), size: size)
                }
            })
    }

    private static func translated<T>(
        _ body: () throws(SystemError) -> T
    ) throws(FleetFileFault) -> T {
        do throws(SystemError) {
            return try body()
        } catch {
            throw error.isNotFound ? .missing : .unreadable(error.reason)
        }
    }
}
