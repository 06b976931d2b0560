import FleetModel
import Glibc
import Linux

extension AgentFault {
    /// A fault for a failed system call.
    ///
    /// `attempted` says what the call was for: `write /etc/motd`. The fault's `code` is a stable
    /// name that depends on the error number; `io-error` for rare ones.
    package init(_ attempted: String, _ error: SystemError) {
        let (code, hint) = AgentFault.meaning(of: error)
        self.init(code, attempted, cause: error.reason, hint: hint ?? error.hint)
    }

    private static func meaning(of error: SystemError) -> (code: String, hint: String?) {
        switch error.code {
        case ENOSPC: ("no-space", nil)
        case EDQUOT: ("no-space", nil)
        case EROFS: ("read-only", nil)
        case EPERM, EACCES:
            (
                "not-permitted",
                geteuid() == 0
                    ? "it may be immutable: lsattr \(error.object) shows an i, chattr -i removes it"
                    : "run the agent as root, with sudo"
            )
        case ENOENT: ("not-found", nil)
        case ENOTDIR: ("not-found", "a part of the path is not a directory")
        case ELOOP: ("loop", "symbolic links lead in a circle")
        case EBUSY: ("busy", "something uses it, such as a mount")
        case ETXTBSY: ("busy", "the program is running")
        case ENAMETOOLONG: ("too-long", "a name on Linux has at most 255 bytes")
        case EFBIG: ("too-large", "the file is larger than the agent reads")
        case EEXIST, ENOTEMPTY: ("exists", nil)
        case EIO: ("io-error", "the disk or the file system has a fault: see dmesg")
        default: ("io-error", nil)
        }
    }
}

/// Runs a call on the machine, and turns its error into a fault that says what was attempted.
package func attempt<T>(
    _ attempted: @autoclosure () -> String, _ body: () throws(SystemError) -> T
) throws(AgentFault) -> T {
    do {
        return try body()
    } catch {
        throw AgentFault(attempted(), error)
    }
}
