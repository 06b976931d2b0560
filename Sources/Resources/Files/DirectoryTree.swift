import FleetModel
import Glibc
import Linux
import SystemFaults

/// What is in a directory and may go with it: bounded, and never beyond its own file system.
package struct DirectoryTree {
    package struct Entry: Sendable, Equatable {
        package var path: String
        /// Relative to the directory, with a slash at the end of a directory's.
        package var shown: String
    }

    let path: String
    /// The file system the directory is on.
    let device: UInt64
    /// The most entries.
    let limit: Int

    /// The entries that are not kept, a directory before what is in it, sorted by name.
    ///
    /// `keeps` is asked of the names in the directory itself. Throws where there are more than the
    /// limit, where something is mounted, and where there is what could not be put back.
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
                    cause: "more than \(limit) files and directories would go",
                    hint: "look at what is there; raise purge_limit, or name it in purge_except")
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
                cause: "\(path) is \(PathText.noun(status.type)), which could not be put back",
                hint: hint)
        }
    }
}

/// Patterns of file names, as glob(7) has them.
package enum NamePattern {
    /// Whether the whole name matches; a `*` takes a leading dot too.
    package static func matches(_ pattern: String, _ name: String) -> Bool {
        fnmatch(pattern, name, 0) == 0
    }
}
