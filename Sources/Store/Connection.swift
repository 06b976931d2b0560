import CSQLite

/// A value bound to or read from a statement.
enum SQLValue: Equatable {
    case null
    case integer(Int)
    case real(Double)
    case text(String)
    case blob([UInt8])

    var text: String? { if case .text(let value) = self { value } else { nil } }
    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var blob: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
    var real: Double? {
        switch self {
        case .real(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
}

/// The one owner of a database handle.
///
/// Used by one thread at a time.
struct Connection: ~Copyable {
    private let handle: OpaquePointer
    private let path: String

    /// Opens or creates the file; waits at most five seconds for another writer.
    init(path: String) throws(StoreError) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close(handle)
            throw StoreError(code: code, message: message, attempted: "open the store", path: path)
        }
        self.handle = handle
        self.path = path
        sqlite3_busy_timeout(handle, 5_000)
        sqlite3_extended_result_codes(handle, 1)
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs one statement and gives its rows.
    @discardableResult
    func run(
        _ sql: String, _ values: [SQLValue] = [], attempting attempted: String
    ) throws(StoreError) -> [[SQLValue]] {
        var statement: OpaquePointer?
        var code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        guard code == SQLITE_OK else { throw fault(code, attempted) }
        for (index, value) in values.enumerated() {
            code = bind(value, to: Int32(index + 1), of: statement)
            guard code == SQLITE_OK else { throw fault(code, attempted) }
        }
        var rows: [[SQLValue]] = []
        while true {
            code = sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw fault(code, attempted) }
            rows.append(
                (0..<sqlite3_column_count(statement)).map { Self.column($0, of: statement) })
        }
    }

    /// Runs the body in one transaction: all of it or nothing.
    func transaction<R>(
        attempting attempted: String, _ body: (borrowing Connection) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        try run("BEGIN IMMEDIATE", attempting: attempted)
        do {
            let result = try body(self)
            try run("COMMIT", attempting: attempted)
            return result
        } catch {
            // After some errors SQLite has rolled back by itself; a second one is refused.
            _ = try? run("ROLLBACK", attempting: attempted)
            throw error
        }
    }

    private func fault(_ code: Int32, _ attempted: String) -> StoreError {
        StoreError(
            code: code, message: String(cString: sqlite3_errmsg(handle)), attempted: attempted,
            path: path)
    }

    private func bind(_ value: SQLValue, to index: Int32, of statement: OpaquePointer?) -> Int32 {
        // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: return sqlite3_bind_null(statement, index)
        case .integer(let number): return sqlite3_bind_int64(statement, index, Int64(number))
        case .real(let number): return sqlite3_bind_double(statement, index, number)
        case .text(let text):
            return sqlite3_bind_text(statement, index, text, Int32(text.utf8.count), transient)
        case .blob(let bytes):
            if bytes.isEmpty { return sqlite3_bind_zeroblob(statement, index, 0) }
            return sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), transient)
        }
    }

    private static func column(_ index: Int32, of statement: OpaquePointer?) -> SQLValue {
        let count = Int(sqlite3_column_bytes(statement, index))
        switch sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return .integer(Int(sqlite3_column_int64(statement, index)))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, index))
        case SQLITE_TEXT:
            guard let bytes = sqlite3_column_text(statement, index) else { return .null }
            let buffer = UnsafeBufferPointer(
                start: bytes, count: Int(sqlite3_column_bytes(statement, index)))
            return .text(String(decoding: buffer, as: UTF8.self))
        case SQLITE_BLOB:
            guard let bytes = sqlite3_column_blob(statement, index) else { return .blob([]) }
            return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
        default: return .null
        }
    }
}
