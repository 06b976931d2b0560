import FleetModel
import Glibc
import Linux
import Wire

/// A store in one SQLite file, `DIR/.muster/state.db`.
///
/// WAL mode, so that a reader never waits for a writer. Runs on its own thread; its statements stay
/// prepared.
package actor SQLiteStore: RunStore {
    package nonisolated let place: String
    private let thread: SerialThread
    private var connection: Connection
    /// Whether each record is flushed to the disk at present; nil before the first run.
    private var isDurable: Bool?

    /// What a store is opened for.
    package enum Purpose: Sendable {
        /// To record runs: creates what is missing, and stores what an earlier run could not
        /// record.
        case recording
        /// To read: changes nothing, and needs no permission to write.
        case reading
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Opens the store of a fleet directory.
    ///
    /// The folder and the file are created private to the user (0700, 0600); later changes of their
    /// modes by an administrator are kept.
    ///
    /// - Throws: `newer` for a file of a later muster, `missing` if there is nothing to read.
    package init(
        fleetDirectory: String, for purpose: Purpose = .recording
    ) throws(StoreError) {
        let folder = StoreFolder(fleetDirectory: fleetDirectory)
        let path = folder.database
        place = path
        guard let thread = SerialThread.start() else {
            throw StoreError(
                .other, attempted: "open the store", path: path,
                cause: "no further thread can be started")
        }
        self.thread = thread
        do throws(StoreError) {
            switch purpose {
            case .recording:
                connection = try Self.openToRecord(folder)
                try Unrecorded.takeIn(from: folder, into: &connection)
            case .reading: connection = try Self.openToRead(path)
            }
        } catch {
            thread.finish()
            throw error
        }
    }

    deinit { thread.finish() }

    private static func openToRecord(_ folder: StoreFolder) throws(StoreError) -> Connection {
        let path = folder.database
        try folder.create()
        let isNew = access(path, F_OK) != 0
        var connection = try Connection(path: path)
        if isNew { chmod(path, 0o600) }
        try connection.run("PRAGMA journal_mode = WAL", attempting: "open the store")
        try connection.run("PRAGMA synchronous = FULL", attempting: "open the store")
        try connection.run("PRAGMA foreign_keys = ON", attempting: "open the store")
        try Migration.run(on: &connection, path: path)
        return connection
    }

    /// Opens the file for reading: a user who may not write beside the file cannot use its
    /// write-ahead log; if there is no log, the file alone is complete.
    static func openToRead(_ path: String) throws(StoreError) -> Connection {
        guard access(path, F_OK) == 0 || errno != ENOENT else {
            throw StoreError(
                .missing, attempted: "read the store", path: path, cause: "there is none")
        }
        do throws(StoreError) {
            var connection = try Connection(path: path, access: .readOnly)
            try Migration.check(on: &connection, path: path)
            return connection
        } catch {
            guard [.cannotOpen, .readOnly].contains(error.kind), access(path, R_OK) == 0,
                access(path + "-wal", F_OK) != 0
            else { throw error }
            var connection = try Connection(path: path, access: .immutable)
            try Migration.check(on: &connection, path: path)
            return connection
        }
    }

    /// Sets whether each record is flushed to the disk, so that it survives a power cut.
    ///
    /// Records of an apply must be; what a check read can be read again. In both cases a crash of
    /// the program loses nothing that was recorded.
    func setDurable(_ durable: Bool) throws(StoreError) {
        if isDurable == durable { return }
        try connection.run(
            "PRAGMA synchronous = \(durable ? "FULL" : "NORMAL")", attempting: "open the store")
        isDurable = durable
    }

    func run(
        _ sql: String, _ values: [SQLValue] = [], attempting attempted: String
    ) throws(StoreError) -> [[SQLValue]] {
        try connection.run(sql, values, attempting: attempted)
    }

    func transaction<R>(
        attempting attempted: String, _ body: (inout Connection) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        try connection.transaction(attempting: attempted, body)
    }

    func factsRow(of host: String) throws(StoreError) -> FactsRecord? {
        try FactsRecord.read(host, from: &connection, place: place)
    }

    /// The error for a value of the store that cannot be read back: that is damage.
    nonisolated func damaged(_ what: String, _ cause: String) -> StoreError {
        StoreError(.corrupt, attempted: "read \(what)", path: place, cause: cause)
    }

    nonisolated func json(_ text: String?, of what: String) throws(StoreError) -> JSON {
        do {
            return try JSON(parsing: text ?? "null")
        } catch {
            throw damaged(what, error.description)
        }
    }
}

extension SQLiteStore {
    /// Runs one statement unchanged; lets tests create states of the file that muster never
    /// creates.
    package func withDatabaseForTests(_ sql: String) throws(StoreError) {
        try connection.run(sql, attempting: "run \(sql)")
    }
}
