import Diagnostics
import Linux

/// The directory that `--root` names: a copy of a host's `/`.
enum CopiedRoot {
    /// Throws if the path is not a directory, or cannot be read.
    static func check(_ path: String, _ shown: String, holds: String) throws(Diagnostic) {
        let status: FileStatus?
        do throws(SystemError) {
            status = try LocalMachine().statusIfPresent(path, followLinks: true)
        } catch {
            throw Diagnostic(
                "unreadable", "cannot read \(shown): \(error.reason)", hint: error.hint,
                exitCode: .badInput)
        }
        guard status?.type == .directory else {
            throw Diagnostic(
                "no-root", "\(shown) is not a directory",
                hint: "--root needs a copy of a host's /, with \(holds) in it", exitCode: .usage)
        }
    }
}
