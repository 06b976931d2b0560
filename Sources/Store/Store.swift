import FleetModel
import Glibc
import Linux
import Synchronization
import Wire

/// The controller's memory: runs, results, facts and saved plans, in one SQLite file.
///
/// WAL mode, so that a reader never waits for a writer; one transaction per host result. Safe to use
/// from several tasks; each call is short.
package final class Store: Sendable {
    package let path: String
    private let connection: Mutex<Connection>

    /// Opens the store of a fleet directory, `DIR/.muster/state.db`, creating what is missing.
    ///
    /// The folder is private to the user (0700).
    package init(fleetDirectory: String) throws(StoreError) {
        let folder = PathName.join(fleetDirectory, ".muster")
        path = PathName.join(folder, "state.db")
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            let cause = SystemError.text(of: errno)
            throw StoreError(.cannotOpen, attempted: "create \(folder)", path: path, cause: cause)
        }
        let connection = try Connection(path: path)
        chmod(path, 0o600)
        try connection.run("PRAGMA journal_mode = WAL", attempting: "open the store")
        try connection.run("PRAGMA synchronous = FULL", attempting: "open the store")
        try connection.run("PRAGMA foreign_keys = ON", attempting: "open the store")
        try Migration.run(on: connection, path: path)
        self.connection = Mutex(connection)
    }

    /// Whether each result waits for the disk, so that it outlives a power cut.
    ///
    /// What an apply did must; what a check read can be read again. Either way a crash of the
    /// program loses nothing that was recorded.
    package func setSurvivesPowerCut(_ survives: Bool) throws(StoreError) {
        try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "PRAGMA synchronous = \(survives ? "FULL" : "NORMAL")", attempting: "open the store"
            )
            return ()
        }
    }

    func withConnection<R: Sendable>(
        _ body: (borrowing Connection) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let result = connection.withLock {
            (connection: inout Connection) -> Result<R, StoreError> in
            do throws(StoreError) {
                return .success(try body(connection))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// A value of the store that cannot be read back is damage, not a bug to hide.
    func damaged(_ what: String, _ cause: String) -> StoreError {
        StoreError(.corrupt, attempted: "read \(what)", path: path, cause: cause)
    }

    func json(_ text: String?, of what: String) throws(StoreError) -> JSON {
        do {
            return try JSON(parsing: text ?? "null")
        } catch {
            throw damaged(what, error.description)
        }
    }
}

extension Store {
    /// Runs one statement as it is; lets tests put the file into states that muster never makes.
    package func withDatabaseForTests(_ sql: String) throws(StoreError) {
        try withConnection { (connection) throws(StoreError) in
            try connection.run(sql, attempting: "run \(sql)")
            return ()
        }
    }
}
