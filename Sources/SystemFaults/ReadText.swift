import FleetModel
import Linux

extension Machine {
    /// The text of a file; nil if it does not exist.
    ///
    /// Follows symlinks. If reading fails, throws a fault that names the file.
    package func readText(
        _ path: String, limit: Int = 16 << 20
    ) throws(AgentFault) -> String? {
        try attempt("read \(path)") { () throws(SystemError) in
            try textIfPresent(path, limit: limit)
        }
    }
}
