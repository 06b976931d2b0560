import FleetModel
import Linux
import Wire

extension Store {
    /// Notes that a run begins, before the first host is touched.
    package func begin(_ run: RunRecord) throws(StoreError) {
        try withConnection { (connection) throws(StoreError) in
            try connection.run(
                """
                INSERT INTO runs (id, verb, requested_by, pattern, started) VALUES (?, ?, ?, ?, ?)
                """,
                [
                    .text(run.id), .text(run.verb), .text(run.requestedBy), .text(run.pattern),
                    .real(run.started),
                ], attempting: "record the run \(run.id)")
            return ()
        }
    }

    /// Records what came of one host, in a transaction of its own; a second record replaces the first.
    package func record(_ result: HostRecord, run: String) throws(StoreError) {
        let attempted = "record the result of \(result.host)"
        try withConnection { (connection) throws(StoreError) in
            try connection.run(
                """
                INSERT INTO host_results (run_id, host, outcome, plan, report, recorded)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (run_id, host) DO UPDATE SET outcome = excluded.outcome,
                    plan = excluded.plan, report = excluded.report, recorded = excluded.recorded
                """,
                [
                    .text(run), .text(result.host), .text(result.outcome),
                    result.plan.map { .text($0.description) } ?? .null,
                    .text(result.report.canonicalText), .real(Clock.wallSeconds()),
                ], attempting: attempted)
            return ()
        }
    }

    /// Notes how a run ended.
    package func end(
        run: String, at time: Double, exitCode: Int, summary: JSON
    ) throws(StoreError) {
        try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "UPDATE runs SET ended = ?, exit_code = ?, summary = ? WHERE id = ?",
                [.real(time), .integer(exitCode), .text(summary.canonicalText), .text(run)],
                attempting: "record the end of the run \(run)")
            return ()
        }
    }

    /// The newest runs first; only those that touched `host` where one is given.
    package func runs(limit: Int, host: String? = nil) throws(StoreError) -> [RunRecord] {
        let filter =
            host == nil ? "" : "WHERE id IN (SELECT run_id FROM host_results WHERE host = ?)"
        let rows = try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "SELECT \(Self.runColumns) FROM runs \(filter) ORDER BY started DESC, id LIMIT ?",
                (host.map { [.text($0)] } ?? []) + [.integer(limit)], attempting: "read the runs")
        }
        var runs: [RunRecord] = []
        for row in rows { runs.append(try run(from: row)) }
        return runs
    }

    /// The runs whose id begins with `prefix`.
    package func runs(idPrefix prefix: String) throws(StoreError) -> [RunRecord] {
        let rows = try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "SELECT \(Self.runColumns) FROM runs WHERE substr(id, 1, ?) = ? ORDER BY started DESC",
                [.integer(prefix.count), .text(prefix)], attempting: "read the run \(prefix)")
        }
        var runs: [RunRecord] = []
        for row in rows { runs.append(try run(from: row)) }
        return runs
    }

    /// The results of a run, by the name of the host.
    package func results(run: String) throws(StoreError) -> [HostRecord] {
        let rows = try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "SELECT host, outcome, plan, report FROM host_results WHERE run_id = ? ORDER BY host",
                [.text(run)], attempting: "read the results of \(run)")
        }
        var results: [HostRecord] = []
        for row in rows {
            guard let host = row[0].text, let outcome = row[1].text else {
                throw damaged("the results of \(run)", "a row without a host")
            }
            let report = try json(row[3].text, of: "the result of \(host)")
            results.append(
                HostRecord(
                    host: host, outcome: outcome, plan: row[2].text.flatMap { Digest($0) },
                    report: report))
        }
        return results
    }

    private static let runColumns =
        "id, verb, requested_by, pattern, started, ended, exit_code, summary"

    private func run(from row: [SQLValue]) throws(StoreError) -> RunRecord {
        guard let id = row[0].text, let verb = row[1].text, let by = row[2].text,
            let pattern = row[3].text, let started = row[4].real
        else { throw damaged("the runs", "a row with missing values") }
        var summary: JSON?
        if let text = row[7].text { summary = try json(text, of: "the run \(id)") }
        return RunRecord(
            id: id, verb: verb, requestedBy: by, pattern: pattern, started: started,
            ended: row[5].real, exitCode: row[6].integer, summary: summary)
    }
}
