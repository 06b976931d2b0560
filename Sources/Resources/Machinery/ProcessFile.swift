import FleetModel
import Glibc
import Linux
import SystemFaults

/// Files of /proc/PID, whose process may end while they are read (proc(5)).
enum ProcessFile {
    /// The text of one; nil where its process has ended.
    static func text(_ path: String, on machine: any Machine) throws(AgentFault) -> String? {
        try attempt("read \(path)") { () throws(SystemError) in
            do throws(SystemError) {
                return try machine.textIfPresent(path, limit: 64 << 20)
            } catch {
                // It ended between opening it and reading.
                if error.code == ESRCH { return nil }
                throw error
            }
        }
    }
}
