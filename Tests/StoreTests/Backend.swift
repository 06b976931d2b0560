import Store
import TestSupport
import Testing

/// An implementation of ``RunStore``, for the tests that hold for every one.
struct Backend: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Opens the store of a fleet directory; opened again it has what was kept.
    let open: @Sendable (String) throws -> any RunStore

    static let all = [
        Backend(testDescription: "SQLite") { try SQLiteStore(fleetDirectory: $0) }
    ]
}
