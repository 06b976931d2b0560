import FleetModel
import Linux
import Runs
import Wire

extension SQLiteStore {
    package func begin(_ run: RunRecord, hosts: [RunHost]) throws(StoreError) {
        try setDurable(run.applies)
        let attempted = "record the run \(run.id)"
        try transaction(attempting: attempted) {
            (connection: inout Connection) throws(StoreError) in
            try connection.run(
                """
                INSERT INTO runs (id, verb, requested_by, pattern, started, options, applies)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(run.id), .text(run.verb), .text(run.requestedBy), .text(run.pattern),
                    .real(run.started), .text(run.options.canonicalText),
                    .integer(run.applies ? 1 : 0),
                ], attempting: attempted)
            for (position, host) in hosts.enumerated() {
                try connection.run(
                    """
                    INSERT INTO run_hosts (run_id, host, position, expected, state, record, recorded)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                    [
                        .text(run.id), .text(host.host), .integer(position),
                        host.expected.map { .text($0.description) } ?? .null,
                        .text(host.transition.state.name.rawValue),
                        .text(host.transition.json.canonicalText), .real(run.started),
                    ], attempting: attempted)
            }
        }
    }

    package func record(_ progress: RunProgress, run: String) throws(StoreError) {
        try transaction(attempting: "record the run \(run)") {
            (connection: inout Connection) throws(StoreError) in
            try Self.record(progress, run: run, at: Clock.wallSeconds(), on: &connection)
        }
    }

    /// Records states and results inside a transaction.
    static func record(
        _ progress: RunProgress, run: String, at time: Double, on connection: inout Connection
    ) throws(StoreError) {
        for transition in progress.transitions {
            try connection.run(
                "UPDATE run_hosts SET state = ?, record = ?, recorded = ? WHERE run_id = ? AND host = ?",
                [
                    .text(transition.state.name.rawValue), .text(transition.json.canonicalText),
                    .real(time), .text(run), .text(transition.host),
                ], attempting: "record the state of \(transition.host)")
        }
        for result in progress.results {
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
                    .text(result.report.canonicalText), .real(time),
                ], attempting: "record the result of \(result.host)")
        }
    }

    package func end(_ ending: RunEnding, run: String) throws(StoreError) {
        try transaction(attempting: "record the end of the run \(run)") {
            (connection: inout Connection) throws(StoreError) in
            try Self.end(ending, run: run, on: &connection)
        }
    }

    /// Records an end inside a transaction.
    static func end(
        _ ending: RunEnding, run: String, on connection: inout Connection
    ) throws(StoreError) {
        try connection.run(
            "UPDATE runs SET ended = ?, exit_code = ?, summary = ? WHERE id = ?",
            [
                .real(ending.time), .integer(ending.exitCode),
                .text(ending.summary.canonicalText), .text(run),
            ], attempting: "record the end of the run \(run)")
    }

    package func runs(limit: Int, host: String?) throws(StoreError) -> [RunRecord] {
        let filter =
            host == nil
            ? ""
            : """
            WHERE id IN (SELECT run_id FROM host_results WHERE host = ?
                UNION SELECT run_id FROM run_hosts WHERE host = ?)
            """
        let values = host.map { [SQLValue.text($0), .text($0)] } ?? []
        return try runs(
            "\(filter) ORDER BY started DESC, id LIMIT ?", values + [.integer(limit)])
    }

    package func runs(idPrefix prefix: String) throws(StoreError) -> [RunRecord] {
        try runs(
            "WHERE substr(id, 1, ?) = ? ORDER BY started DESC",
            [.integer(prefix.count), .text(prefix)])
    }

    package func unendedRuns() throws(StoreError) -> [RunRecord] {
        try runs("WHERE ended IS NULL ORDER BY started, id", [])
    }

    private func runs(_ clause: String, _ values: [SQLValue]) throws(StoreError) -> [RunRecord] {
        let columns =
            "id, verb, requested_by, pattern, started, ended, exit_code, summary, options, applies"
        let rows = try run(
            "SELECT \(columns) FROM runs \(clause)", values, attempting: "read the runs")
        var runs: [RunRecord] = []
        for row in rows { runs.append(try record(from: row)) }
        return runs
    }

    private func record(from row: [SQLValue]) throws(StoreError) -> RunRecord {
        guard let id = row[0].text, let verb = row[1].text, let by = row[2].text,
            let pattern = row[3].text, let started = row[4].real
        else { throw damaged("the runs", "a row with missing values") }
        var record = RunRecord(
            id: id, verb: verb, requestedBy: by, pattern: pattern, started: started,
            ended: row[5].real, exitCode: row[6].integer)
        if let text = row[7].text { record.summary = try json(text, of: "the run \(id)") }
        if let text = row[8].text { record.options = try json(text, of: "the run \(id)") }
        record.applies = row[9].integer == 1
        return record
    }

    package func hosts(run id: String) throws(StoreError) -> [RunHost] {
        let rows = try run(
            "SELECT record, expected FROM run_hosts WHERE run_id = ? ORDER BY position",
            [.text(id)], attempting: "read the hosts of the run \(id)")
        var hosts: [RunHost] = []
        for row in rows {
            let what = "the hosts of the run \(id)"
            let record = try json(row[0].text, of: what)
            do throws(JSONError) {
                hosts.append(
                    RunHost(
                        try HostTransition(json: record),
                        expected: row[1].text.flatMap { Digest($0) }))
            } catch {
                throw damaged(what, error.description)
            }
        }
        return hosts
    }

    package func results(run id: String) throws(StoreError) -> [HostRecord] {
        let rows = try run(
            "SELECT host, outcome, plan, report FROM host_results WHERE run_id = ? ORDER BY host",
            [.text(id)], attempting: "read the results of \(id)")
        var results: [HostRecord] = []
        for row in rows {
            guard let host = row[0].text, let outcome = row[1].text else {
                throw damaged("the results of \(id)", "a row without a host")
            }
            let report = try json(row[3].text, of: "the result of \(host)")
            results.append(
                HostRecord(
                    host: host, outcome: outcome, plan: row[2].text.flatMap { Digest($0) },
                    report: report))
        }
        return results
    }

    package func hold(run: String, by holder: String) throws(StoreError) -> any RunHold {
        try RunLock.take(place: place, run: run, by: holder)
    }

    package func holder(run: String) -> String? { RunLock.holder(place: place, run: run) }
}
