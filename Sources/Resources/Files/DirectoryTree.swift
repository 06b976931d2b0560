import FleetModel
import Glibc
import Linux
import SystemFaults

/// The entries that a purge of a directory may remove.
///
/// They are limited in number, and all on the directory's own file system.
package struct DirectoryTree {
    package struct Entry: Sendable, Equatable {
        package var path: String
        /// The path relative to the directory; that of a directory ends with a slash.
        package var shown: String
    }

    let path: String
    /// The file system the directory is on.
    let device: UInt64
    /// The maximum number of entries.
    let limit: Int

    /// The entries that are not kept, each directory before its contents, sorted by name.
    ///
    /// `keeps` is called with the names in the directory itself. Throws if there are more entries
    /// than the limit, a mount point, or an entry that could not be restored.
    func entries(
        on machine: any Machine, keeping keeps: (String) -> Bool
    ) throws(AgentFault) -> [Entry] {
        var entries: [Entry] = []
        var left = try names(of: path, on: machine).filter { !keeps($0) }.reversed() as [String]
        while let name = left.popLast() {
            let full = PathName.join(path, name)
            let status = try attempt("read the status of \(full)") { () throws(SystemError) in
                try machine.status(full, followLinks: false)
            }
            try check(status, full)
            let isDirectory = status.type == .directory
            entries.append(Entry(path: full, shown: isDirectory ? name + "/" : name))
            if entries.count > limit {
                throw AgentFault(
                    "too-much", attempted,
                    cause: "more than \(limit) files and directories would be removed",
                    hint: "check the directory; raise purge_limit, or use purge_except")
            }
            if isDirectory {
                left += try names(of: full, on: machine).reversed().map { "\(name)/\($0)" }
            }
        }
        return entries
    }

    private var attempted: String { "purge the directory \(path)" }

    private func names(of directory: String, on machine: any Machine) throws(AgentFault) -> [String]
    {
        try attempt("list \(directory)") { () throws(SystemError) in try machine.list(directory) }
    }

    private func check(_ status: FileStatus, _ path: String) throws(AgentFault) {
        let hint = "remove it by hand, or name it in purge_except"
        if status.device != device {
            throw AgentFault(
                "mounted", attempted, cause: "something is mounted on \(path)", hint: hint)
        }
        if ![.file, .directory, .symlink].contains(status.type) {
            throw AgentFault(
                "wrong-type", attempted,
                cause: "\(path) is \(PathText.noun(status.type)), which could not be restored",
                hint: hint)
        }
    }
}

/// Patterns of file names (glob(7)).
package enum NamePattern {
    /// Whether the whole name matches; `*` also matches a leading dot.
    package static func matches(_ pattern: String, _ name: String) -> Bool {
        fnmatch(pattern, name, 0) == 0
    }
}
