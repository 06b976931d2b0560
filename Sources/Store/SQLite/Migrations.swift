import Linux

/// One step of the schema.
///
/// A released step is never edited; a change is a new step.
struct Migration {
    let name: String
    let statements: [String]

    /// In the order they are applied.
    ///
    /// Uses only types and clauses that PostgreSQL also knows.
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
            ]),
        Migration(
            name: "2026-12-states-of-hosts",
            statements: [
                "ALTER TABLE runs ADD COLUMN options TEXT",
                "ALTER TABLE runs ADD COLUMN applies INTEGER",
                """
                CREATE TABLE run_hosts (
                    run_id TEXT NOT NULL REFERENCES runs (id), host TEXT NOT NULL,
                    position INTEGER NOT NULL, expected TEXT, state TEXT NOT NULL,
                    record TEXT NOT NULL, recorded DOUBLE PRECISION NOT NULL,
                    PRIMARY KEY (run_id, host))
                """,
                "CREATE INDEX run_hosts_host ON run_hosts (host)",
                "ALTER TABLE plan_hosts ADD COLUMN origins TEXT",
            ]),
    ]

    /// Brings the schema up to date in one transaction; refuses a schema from a newer muster.
    static func run(on connection: inout Connection, path: String) throws(StoreError) {
        try connection.transaction(attempting: "prepare the store") {
            (connection: inout Connection) throws(StoreError) in
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

    /// Refuses a file whose schema is not the current one, without changing it.
    static func check(on connection: inout Connection, path: String) throws(StoreError) {
        let rows = try connection.run(
            "SELECT name FROM migrations", attempting: "read the store")
        let applied = Set(rows.compactMap { $0.first?.text })
        let known = Set(all.map(\.name))
        if let unknown = applied.subtracting(known).min() {
            throw StoreError(
                .newer, attempted: "use the store", path: path,
                cause: "it has the migration \(unknown), which this version does not know")
        }
        if let missing = known.subtracting(applied).min() {
            throw StoreError(
                .readOnly, attempted: "read the store", path: path,
                cause: "an older muster wrote it: it lacks the migration \(missing), which only "
                    + "a user who may write the store can make")
        }
    }
}
