import FleetModel
import Linux

extension Machine {
    /// The text of a file; nil where there is no such file.
    ///
    /// Follows links. Throws what reading it met, as a fault that names the file.
    package func readText(
        _ path: String, limit: Int = 16 << 20
    ) throws(AgentFault) -> String? {
        try attempt("read \(path)") { () throws(SystemError) in
            try textIfPresent(path, limit: limit)
        }
    }
}
