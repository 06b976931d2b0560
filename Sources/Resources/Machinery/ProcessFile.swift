import FleetModel
import Glibc
import Linux
import SystemFaults

/// Reads files in /proc/PID, whose process may end during the read (proc(5)).
enum ProcessFile {
    /// The text of a file; nil if its process has ended.
    static func text(_ path: String, on machine: any Machine) throws(AgentFault) -> String? {
        try attempt("read \(path)") { () throws(SystemError) in
            do throws(SystemError) {
                return try machine.textIfPresent(path, limit: 64 << 20)
            } catch {
                // The process ended between open and read.
                if error.code == ESRCH { return nil }
                throw error
            }
        }
    }
}
