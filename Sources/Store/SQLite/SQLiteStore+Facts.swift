import FleetModel
import Linux
import Wire

extension SQLiteStore {
    package func save(_ facts: FactsRecord) throws(StoreError) {
        _ = try run(
            """
            INSERT INTO facts (host, digest, facts, taken) VALUES (?, ?, ?, ?)
            ON CONFLICT (host) DO UPDATE SET digest = excluded.digest, facts = excluded.facts,
                taken = excluded.taken
            """,
            [
                .text(facts.host), .text(facts.digest.description),
                .text(facts.facts.canonicalText), .real(facts.taken),
            ], attempting: "keep the facts of \(facts.host)")
    }

    package func facts(of host: String) throws(StoreError) -> FactsRecord? {
        try factsRow(of: host)
    }

    package func nextSerial(
        of host: String, after accepted: Int?
    ) throws(StoreError) -> Int {
        let attempted = "count up the serial of \(host)"
        return try transaction(attempting: attempted) {
            (connection: inout Connection) throws(StoreError) in
            let rows = try connection.run(
                "SELECT serial FROM serials WHERE host = ?", [.text(host)], attempting: attempted)
            let last = max(rows.first?.first?.integer ?? 0, accepted ?? 0)
            let (next, overflows) = last.addingReportingOverflow(1)
            if overflows {
                throw damaged("the serial of \(host)", "\(last) is the largest there is")
            }
            try connection.run(
                """
                INSERT INTO serials (host, serial) VALUES (?, ?)
                ON CONFLICT (host) DO UPDATE SET serial = excluded.serial
                """, [.text(host), .integer(next)], attempting: attempted)
            return next
        }
    }
}
