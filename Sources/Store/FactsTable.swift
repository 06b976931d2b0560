import FleetModel
import Synchronization
import Wire

/// The hardware facts in a store, read when the compiler asks for them.
///
/// For the compiler, which has its own threads and cannot suspend: each read blocks for the time of
/// one look-up. Changes nothing, and needs no permission to write.
package final class FactsTable: Sendable {
    private let connection: Mutex<Connection>
    private let place: String

    /// Opens the store of a fleet directory for reading; nil if there is no store yet.
    package init?(fleetDirectory: String) throws(StoreError) {
        place = StoreFolder(fleetDirectory: fleetDirectory).database
        do throws(StoreError) {
            connection = Mutex(try SQLiteStore.openToRead(place))
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }

    /// The facts kept for a host; nil if there are none.
    package func facts(of host: String) throws(StoreError) -> FactsRecord? {
        let found = connection.withLock {
            (connection: inout Connection) -> Result<FactsRecord?, StoreError> in
            do throws(StoreError) {
                return .success(
                    try FactsRecord.read(host, from: &connection, place: place))
            } catch {
                return .failure(error)
            }
        }
        return try found.get()
    }
}

extension FactsRecord {
    /// Reads a host's row; nil if there is none.
    static func read(
        _ host: String, from connection: inout Connection, place: String
    ) throws(StoreError) -> FactsRecord? {
        let what = "the facts of \(host)"
        let rows = try connection.run(
            "SELECT digest, facts, taken FROM facts WHERE host = ?", [.text(host)],
            attempting: "read \(what)")
        guard let row = rows.first else { return nil }
        guard let digest = row[0].text.flatMap({ Digest($0) }), let taken = row[2].real,
            let facts = row[1].text.flatMap({ try? JSON(parsing: $0) })
        else {
            throw StoreError(
                .corrupt, attempted: "read \(what)", path: place,
                cause: "a row with missing or malformed values")
        }
        return FactsRecord(host: host, digest: digest, facts: facts, taken: taken)
    }
}
