import Linux

/// One step of the schema.
///
/// Once released a step is never edited; a change is a new step.
struct Migration {
    let name: String
    let statements: [String]

    /// In the order they are applied.
    ///
    /// Types and clauses that PostgreSQL knows as well.
    static let all = [
        Migration(
            name: "2026-11-runs-facts-plans",
            statements: [
                """
                CREATE TABLE runs (
                    id TEXT PRIMARY KEY, verb TEXT NOT NULL, requested_by TEXT NOT NULL,
                    pattern TEXT NOT NULL, started DOUBLE PRECISION NOT NULL,
                    ended DOUBLE PRECISION, exit_code INTEGER, summary TEXT)
                """,
                "CREATE INDEX runs_started ON runs (started)",
                """
                CREATE TABLE host_results (
                    run_id TEXT NOT NULL REFERENCES runs (id), host TEXT NOT NULL,
                    outcome TEXT NOT NULL, plan TEXT, report TEXT NOT NULL,
                    recorded DOUBLE PRECISION NOT NULL, PRIMARY KEY (run_id, host))
                """,
                "CREATE INDEX host_results_host ON host_results (host)",
                """
                CREATE TABLE facts (
                    host TEXT PRIMARY KEY, digest TEXT NOT NULL, facts TEXT NOT NULL,
                    taken DOUBLE PRECISION NOT NULL)
                """,
                """
                CREATE TABLE plans (
                    id TEXT PRIMARY KEY, created DOUBLE PRECISION NOT NULL,
                    requested_by TEXT NOT NULL, arguments TEXT NOT NULL)
                """,
                """
                CREATE TABLE plan_hosts (
                    plan_id TEXT NOT NULL REFERENCES plans (id), host TEXT NOT NULL,
                    digest TEXT NOT NULL, plan TEXT NOT NULL, PRIMARY KEY (plan_id, host))
                """,
                "CREATE TABLE serials (host TEXT PRIMARY KEY, serial BIGINT NOT NULL)",
            ])
    ]

    /// Brings the schema up to date in one transaction; refuses one from a newer muster.
    static func run(on connection: borrowing Connection, path: String) throws(StoreError) {
        try connection.transaction(attempting: "prepare the store") {
            (connection: borrowing Connection) throws(StoreError) in
            try connection.run(
                """
                CREATE TABLE IF NOT EXISTS migrations (
                    name TEXT PRIMARY KEY, applied DOUBLE PRECISION NOT NULL)
                """, attempting: "prepare the store")
            let rows = try connection.run(
                "SELECT name FROM migrations", attempting: "prepare the store")
            let applied = Set(rows.compactMap { $0.first?.text })
            let known = Set(all.map(\.name))
            if let unknown = applied.subtracting(known).min() {
                throw StoreError(
                    .newer, attempted: "use the store", path: path,
                    cause: "it has the migration \(unknown), which this version does not know")
            }
            for migration in all where !applied.contains(migration.name) {
                for statement in migration.statements {
                    try connection.run(statement, attempting: "migrate the store")
                }
                try connection.run(
                    "INSERT INTO migrations (name, applied) VALUES (?, ?)",
                    [.text(migration.name), .real(Clock.wallSeconds())],
                    attempting: "migrate the store")
            }
        }
    }
}
