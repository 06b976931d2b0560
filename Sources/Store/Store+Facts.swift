import FleetModel
import Wire

extension Store {
    /// Keeps a host's hardware facts in place of what was kept before.
    package func save(_ facts: FactsRecord) throws(StoreError) {
        try withConnection { (connection) throws(StoreError) in
            try connection.run(
                """
                INSERT INTO facts (host, digest, facts, taken) VALUES (?, ?, ?, ?)
                ON CONFLICT (host) DO UPDATE SET digest = excluded.digest, facts = excluded.facts,
                    taken = excluded.taken
                """,
                [
                    .text(facts.host), .text(facts.digest.description),
                    .text(facts.facts.canonicalText), .real(facts.taken),
                ], attempting: "keep the facts of \(facts.host)")
            return ()
        }
    }

    /// The facts kept of a host, nil where there are none.
    package func facts(of host: String) throws(StoreError) -> FactsRecord? {
        let rows = try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "SELECT digest, facts, taken FROM facts WHERE host = ?", [.text(host)],
                attempting: "read the facts of \(host)")
        }
        guard let row = rows.first else { return nil }
        guard let digest = row[0].text.flatMap({ Digest($0) }), let taken = row[2].real else {
            throw damaged("the facts of \(host)", "a row with missing values")
        }
        let facts = try json(row[1].text, of: "the facts of \(host)")
        return FactsRecord(host: host, digest: digest, facts: facts, taken: taken)
    }

    /// The next serial of a host: larger than every one given before.
    ///
    /// Larger also than `accepted`, the last one that the host took from whichever controller. No
    /// clock has a part in it.
    package func nextSerial(
        of host: String, after accepted: Int?
    ) throws(StoreError) -> Int {
        let attempted = "count up the serial of \(host)"
        return try withConnection { (connection) throws(StoreError) in
            try connection.transaction(attempting: attempted) {
                (connection: borrowing Connection) throws(StoreError) in
                let rows = try connection.run(
                    "SELECT serial FROM serials WHERE host = ?", [.text(host)],
                    attempting: attempted)
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
}
