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

/// The only owner of a database handle and of the statements prepared on it.
///
/// Used by one thread at a time.
struct Connection: ~Copyable {
    private let handle: OpaquePointer
    private let path: String
    /// The prepared statements by their text; finalized with the handle.
    private var statements: [String: OpaquePointer] = [:]

    /// How the file is opened.
    enum Access {
        /// For reading and writing; created if it is missing.
        case readWrite
        case readOnly
        /// The file in its present state, for a user who may not write beside it. Correct only if
        /// no writer is active and the write-ahead log is empty.
        case immutable
    }

    /// Opens the file; waits at most five seconds for another writer.
    init(path: String, access: Access = .readWrite) throws(StoreError) {
        var handle: OpaquePointer?
        let (name, flags) =
            switch access {
            case .readWrite: (path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
            case .readOnly: (path, SQLITE_OPEN_READONLY)
            case .immutable:
                (Self.immutableAddress(of: path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
            }
        let code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
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

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Runs one statement and returns its rows; the statement stays prepared.
    @discardableResult
    mutating func run(
        _ sql: String, _ values: [SQLValue] = [], attempting attempted: String
    ) throws(StoreError) -> [[SQLValue]] {
        let statement = try prepared(sql, attempted)
        // A statement that is not reset keeps its transaction open.
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            let code = bind(value, to: Int32(index + 1), of: statement)
            guard code == SQLITE_OK else { throw fault(code, attempted) }
        }
        var rows: [[SQLValue]] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw fault(code, attempted) }
            rows.append(
                (0..<sqlite3_column_count(statement)).map { Self.column($0, of: statement) })
        }
    }

    private mutating func prepared(
        _ sql: String, _ attempted: String
    ) throws(StoreError) -> OpaquePointer {
        if let known = statements[sql] { return known }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw fault(code, attempted) }
        statements[sql] = statement
        return statement
    }

    /// Runs the body in one transaction: all of it or nothing.
    mutating func transaction<R>(
        attempting attempted: String, _ body: (inout Connection) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        try run("BEGIN IMMEDIATE", attempting: attempted)
        do {
            let result = try body(&self)
            try run("COMMIT", attempting: attempted)
            return result
        } catch {
            // After some errors SQLite has rolled back by itself, and refuses to do so again.
            if sqlite3_get_autocommit(handle) == 0 {
                _ = try? run("ROLLBACK", attempting: attempted)
            }
            throw error
        }
    }

    /// The `file:` URI of a path (sqlite.org/uri.html), with special bytes escaped.
    private static func immutableAddress(of path: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var address: [UInt8] = Array("file:".utf8)
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"):
                address += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: address.append(byte)
            }
        }
        return String(decoding: address, as: UTF8.self) + "?immutable=1"
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
