import Glibc

/// What stat(2) reports about a path.
package struct FileStatus: Sendable, Equatable {
    package enum FileType: String, Sendable {
        case file, directory, symlink, socket, fifo
        case characterDevice = "character device"
        case blockDevice = "block device"
    }

    package var type: FileType
    /// Permission bits including set-uid, set-gid and sticky: 0...0o7777.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var size: Int64
    package var device: UInt64
    package var inode: UInt64
    /// Time of the last change of content, in nanoseconds since the epoch.
    package var modifiedNanoseconds: Int64
    /// Time of the last change of content, name or attributes: for an unpacked file, when it was
    /// unpacked.
    package var changedNanoseconds: Int64

    package init(
        type: FileType, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0, size: Int64 = 0,
        device: UInt64 = 0, inode: UInt64 = 0, modifiedNanoseconds: Int64 = 0,
        changedNanoseconds: Int64 = 0
    ) {
        self.type = type
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.size = size
        self.device = device
        self.inode = inode
        self.modifiedNanoseconds = modifiedNanoseconds
        self.changedNanoseconds = changedNanoseconds
    }

    init(_ raw: stat) {
        let type: FileType =
            switch raw.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symlink
            case S_IFSOCK: .socket
            case S_IFIFO: .fifo
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .file
            }
        self.init(
            type: type, mode: raw.st_mode & 0o7777, uid: raw.st_uid, gid: raw.st_gid,
            size: Int64(raw.st_size), device: UInt64(raw.st_dev), inode: UInt64(raw.st_ino),
            modifiedNanoseconds: Int64(raw.st_mtim.tv_sec) * 1_000_000_000
                + Int64(raw.st_mtim.tv_nsec),
            changedNanoseconds: Int64(raw.st_ctim.tv_sec) * 1_000_000_000
                + Int64(raw.st_ctim.tv_nsec))
    }
}
