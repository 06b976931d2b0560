import CLinux
import Glibc

/// This machine, or a copy of one below a root directory.
///
/// With a root other than `/`, programs cannot be run: a copy of `/proc` has no processes.
package final class LocalMachine: Machine {
    private let root: String

    /// A machine whose paths lie below `root`; `/` is this machine.
    package init(root: String = "/") {
        self.root = root == "/" ? "" : root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    private func real(_ path: String) -> String { root.isEmpty ? path : root + path }

    package func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
        var raw = stat()
        let real = real(path)
        let answer = followLinks ? stat(real, &raw) : lstat(real, &raw)
        try check(answer, "stat", path)
        return FileStatus(raw)
    }

    package func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        var raw = stat()
        try check(fstat(descriptor.number, &raw), "fstat", path)
        var all: [UInt8] = []
        // Files of /proc and /sys report no size before they are read.
        if raw.st_size > 65_536 { all.reserveCapacity(min(Int(raw.st_size), limit)) }
        while true {
            let piece = try named("read", path) { () throws(SystemError) in
                try descriptor.read(upTo: 65_536)
            }
            if piece.isEmpty { return all }
            if all.count + piece.count > limit {
                throw SystemError(call: "read", object: path, code: EFBIG)
            }
            // The bytes are copied, because the piece's own storage has the full buffer size.
            all.append(contentsOf: piece)
        }
    }

    package func read(_ path: String, inPieces body: ([UInt8]) -> Void) throws(SystemError) {
        let descriptor = try open(path, O_RDONLY)
        while true {
            let piece = try named("read", path) { () throws(SystemError) in
                // malloc takes larger buffers from the kernel and returns them each time.
                try descriptor.read(upTo: 65_536)
            }
            if piece.isEmpty { return }
            body(piece)
        }
    }

    package func read(
        _ path: String, from offset: Int, count: Int
    ) throws(SystemError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        return try named("read", path) { () throws(SystemError) in
            try descriptor.read(upTo: count, from: offset)
        }
    }

    package func linkTarget(_ path: String) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let n = try check(readlink(real(path), &buffer, buffer.count), "readlink", path)
        return String(decoding: buffer[0..<n].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    package func list(_ path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(real(path)) else {
            throw SystemError(call: "opendir", object: path, code: errno)
        }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw SystemError(call: "readdir", object: path, code: errno) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult {
        guard root.isEmpty else {
            throw SystemError(call: "execve", object: call.path, code: ENOENT)
        }
        return try ProcessRunner.run(call)
    }

    package func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        try putFile(path, mode: mode, uid: uid, gid: gid, flushes: true) {
            (file) throws(SystemError) in
            try file.writeAll(content)
        }
    }

    package func replaceFile(
        _ path: String, copyOf source: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        let from = try open(source, O_RDONLY)
        try putFile(path, mode: mode, uid: uid, gid: gid, flushes: true) {
            (file) throws(SystemError) in
            while true {
                let piece = try named("read", source) { () throws(SystemError) in
                    try from.read(upTo: 65_536)
                }
                if piece.isEmpty { return }
                try file.writeAll(piece)
            }
        }
    }

    /// Replaces a file as ``replaceFile(_:content:mode:uid:gid:)`` does, but does not wait for the
    /// disk: for files that can be made again at any time, since a power cut may lose them.
    package func replaceRenewableFile(
        _ path: String, content: [UInt8], mode: UInt32
    ) throws(SystemError) {
        try putFile(path, mode: mode, uid: .max, gid: .max, flushes: false) {
            (file) throws(SystemError) in
            try file.writeAll(content)
        }
    }

    private func putFile(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32, flushes: Bool,
        write: (borrowing Descriptor) throws(SystemError) -> Void
    ) throws(SystemError) {
        let temporary = temporaryName(beside: path)
        do {
            // No other user may read the file before it has its owner and mode.
            let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
            try named("write", path) { () throws(SystemError) in try write(descriptor) }
            try check(fchown(descriptor.number, uid, gid), "chown", path)
            try keepAttributes(of: path, on: descriptor)
            try check(fchmod(descriptor.number, mode), "chmod", path)
            if flushes { try check(fsync(descriptor.number), "fsync", path) }
            try check(Glibc.rename(real(temporary), real(path)), "rename", path)
            if flushes { try flushDirectory(of: path) }
        } catch {
            unlink(real(temporary))
            throw error
        }
    }

    package func writeInPlace(_ path: String, _ content: [UInt8]) throws(SystemError) {
        let descriptor = try open(path, O_WRONLY | O_TRUNC)
        let n = content.withUnsafeBytes { write(descriptor.number, $0.baseAddress, $0.count) }
        try check(n, "write", path)
        if n != content.count { throw SystemError(call: "write", object: path, code: EIO) }
    }

    package func makeDirectory(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        try check(mkdir(real(path), 0o700), "mkdir", path)
        do {
            try setOwner(path, uid: uid, gid: gid)
            try setMode(path, mode)
            try flushDirectory(of: path)
        } catch {
            rmdir(real(path))
            throw error
        }
    }

    package func replaceLink(_ path: String, target: String) throws(SystemError) {
        let temporary = temporaryName(beside: path)
        try check(symlink(target, real(temporary)), "symlink", path)
        do {
            try rename(temporary, to: path)
        } catch {
            unlink(real(temporary))
            throw error
        }
    }

    package func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        let descriptor = try open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        try check(fchmod(descriptor.number, mode), "chmod", path)
    }

    package func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        try check(lchown(real(path), uid, gid), "chown", path)
    }

    package func rename(_ from: String, to: String) throws(SystemError) {
        try check(Glibc.rename(real(from), real(to)), "rename", to)
        try flushDirectory(of: to)
    }

    package func askLink(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        guard root.isEmpty else {
            throw SystemError(call: "ioctl", object: interface, code: ENOSYS)
        }
        return try LinkSocket().ask(interface, request, message)
    }

    package func askChrony(_ message: [UInt8]) throws(SystemError) -> [UInt8] {
        guard root.isEmpty else {
            throw SystemError(call: "connect", object: "chronyd", code: ENOSYS)
        }
        return try ChronySocket().ask(message)
    }

    package func setAffinity(of pid: Int, _ mask: [UInt8]) throws(SystemError) {
        let answer = clinux_set_affinity_of(Int32(clamping: pid), mask, mask.count)
        if answer < 0 {
            throw SystemError(
                call: "sched_setaffinity", object: "process \(pid)", code: -answer)
        }
    }

    package func remove(_ path: String) throws(SystemError) {
        let isDirectory = try status(path, followLinks: false).type == .directory
        try check(isDirectory ? rmdir(real(path)) : unlink(real(path)), "remove", path)
        try flushDirectory(of: path)
    }

    private func open(
        _ path: String, _ flags: Int32, _ mode: mode_t = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checkNegated(clinux_open(real(path), flags, mode), "open", path))
    }

    /// Copies the access list and the SELinux label of the replaced file to its replacement; does
    /// nothing if there are none or the file system does not support them.
    ///
    /// File capabilities are not copied: they were given to other content.
    private func keepAttributes(
        of path: String, on descriptor: borrowing Descriptor
    ) throws(SystemError) {
        guard let status = try statusIfPresent(path), status.type == .file else { return }
        for name in ["system.posix_acl_access", "security.selinux"] {
            // The most the kernel allows (XATTR_SIZE_MAX).
            var value = [UInt8](repeating: 0, count: 65_536)
            let size = clinux_get_attribute(real(path), name, &value, value.count)
            if size <= 0 { continue }
            let answer = clinux_set_attribute(descriptor.number, name, value, size)
            if answer != -EOPNOTSUPP { try checkNegated(answer, "setxattr", path) }
        }
    }

    private func flushDirectory(of path: String) throws(SystemError) {
        let directory = try open(PathName.parent(of: path), O_RDONLY | O_DIRECTORY)
        // Pseudo file systems refuse; their content is not on a disk.
        if fsync(directory.number) != 0 && errno != EINVAL && errno != EROFS {
            throw SystemError(call: "fsync", object: PathName.parent(of: path), code: errno)
        }
    }

    private func temporaryName(beside path: String) -> String {
        let number = UInt32.random(in: .min ... .max)
        // The name is cut, so that a name of the maximum length also has a temporary name.
        let name = String(
            String.UnicodeScalarView(PathName.last(of: path).unicodeScalars.prefix(40)))
        return PathName.join(PathName.parent(of: path), ".muster-\(name)-\(number)")
    }

    private func named<T>(
        _ call: String, _ path: String, _ body: () throws(SystemError) -> T
    ) throws(SystemError) -> T {
        do {
            return try body()
        } catch {
            throw SystemError(call: call, object: path, code: error.code)
        }
    }
}
