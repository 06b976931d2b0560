import Glibc
import Linux

/// The folder of a fleet directory in which the controller keeps its records: `DIR/.muster`.
package struct StoreFolder: Sendable {
    package let path: String

    package init(fleetDirectory: String) { path = PathName.join(fleetDirectory, ".muster") }

    package var database: String { PathName.join(path, "state.db") }

    /// Makes the folder if it is missing, private to the user.
    func create() throws(StoreError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw StoreError(
                .cannotOpen, attempted: "create \(path)", path: database,
                cause: SystemError.text(of: errno))
        }
    }

    /// The file that one controller holds locked while it carries out a run.
    func lock(of run: String) -> String { PathName.join(path, "run-\(run).lock") }

    /// The file for entries of a run that the store did not accept.
    func unrecorded(run: String) -> String { PathName.join(path, "unrecorded-\(run).jsonl") }
}
