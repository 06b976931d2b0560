import Glibc

/// The interface to the machine: its files and its programs.
///
/// Tests substitute a fake.
///
/// Every path is absolute. No call follows a symbolic link in the last component unless it says so.
package protocol Machine: AnyObject {
    /// The status of a path itself (lstat), or of the file it points to. Throws ENOENT if nothing
    /// exists there.
    func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus

    /// The whole content of a file of at most `limit` bytes; throws EFBIG if it has more.
    ///
    /// Follows links. Works on files of /proc and /sys, whose reported size is 0.
    func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8]

    /// Passes the content of a file to the body in pieces, from start to end. Follows links.
    func read(_ path: String, inPieces body: ([UInt8]) -> Void) throws(SystemError)

    /// At most `count` bytes of a file, starting at an offset; fewer at the end of the file.
    /// Follows links.
    func read(_ path: String, from offset: Int, count: Int) throws(SystemError) -> [UInt8]

    /// The target of a symbolic link, as stored.
    func linkTarget(_ path: String) throws(SystemError) -> String

    /// The names in a directory, sorted by bytes, without `.` and `..`.
    func list(_ path: String) throws(SystemError) -> [String]

    /// Runs a program to its end.
    func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult

    /// Replaces a file atomically: a temporary file beside it is written, flushed, given owner and
    /// mode, and renamed.
    ///
    /// A reader sees the old content or the new, also after a power cut.
    func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError)

    /// Puts a file in place as ``replaceFile(_:content:mode:uid:gid:)`` does, with what another file
    /// holds, which is read in pieces. Follows a link at `source`.
    func replaceFile(
        _ path: String, copyOf source: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError)

    /// Writes to an existing file in one call, as files of /proc and /sys require. Creates nothing.
    func writeInPlace(_ path: String, _ content: [UInt8]) throws(SystemError)

    /// Creates one directory.
    func makeDirectory(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError)

    /// Replaces a symbolic link atomically.
    func replaceLink(_ path: String, target: String) throws(SystemError)

    /// Sets the permission bits of a file or directory. Never follows a link.
    func setMode(_ path: String, _ mode: UInt32) throws(SystemError)

    /// Sets the owner and group. Never follows a link.
    func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError)

    /// Renames a path and flushes the directory.
    func rename(_ from: String, to: String) throws(SystemError)

    /// Removes a file, link or empty directory.
    func remove(_ path: String) throws(SystemError)

    /// Passes a message to the driver of a network interface and returns what the driver left in
    /// its place.
    func askLink(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8]

    /// Sends a request to chronyd's command port on loopback and returns the answer.
    func askChrony(_ message: [UInt8]) throws(SystemError) -> [UInt8]

    /// Sets the CPUs that a process or thread may run on (sched_setaffinity(2)).
    ///
    /// The mask has the bit of CPU n in byte n / 8.
    func setAffinity(of pid: Int, _ mask: [UInt8]) throws(SystemError)
}

extension Machine {
    /// The status of the path itself, or nil if nothing exists there.
    package func statusIfPresent(
        _ path: String, followLinks: Bool = false
    ) throws(SystemError) -> FileStatus? {
        do {
            return try status(path, followLinks: followLinks)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// The content as text, or nil if the file does not exist.
    package func textIfPresent(
        _ path: String, limit: Int = 16 << 20
    ) throws(SystemError) -> String? {
        do {
            return String(decoding: try read(path, limit: limit), as: UTF8.self)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// The target of a symbolic link, or nil if the link does not exist.
    package func linkTargetIfPresent(_ path: String) throws(SystemError) -> String? {
        do {
            return try linkTarget(path)
        } catch {
            if error.isNotFound || error.code == EINVAL { return nil }
            throw error
        }
    }

    /// The names in a directory; empty if the directory does not exist.
    package func listIfPresent(_ path: String) throws(SystemError) -> [String] {
        do {
            return try list(path)
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
    }
}
