import CSQLite

/// Why the store could not do something: what was attempted, on which file, and what to do.
package struct StoreError: Error, Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case newer, corrupt, locked, full, readOnly, cannotOpen, held, missing, other
    }

    package let kind: Kind
    /// What was attempted: `record the result of ld4-md001`.
    package let attempted: String
    package let path: String
    package let cause: String

    package init(_ kind: Kind, attempted: String, path: String, cause: String) {
        self.kind = kind
        self.attempted = attempted
        self.path = path
        self.cause = cause
    }

    /// `cannot record … in .muster/state.db: database or disk is full`.
    package var summary: String { "cannot \(attempted) in \(path): \(cause)" }

    package var hint: String {
        switch kind {
        case .newer:
            "a newer muster wrote this file; use that version, or point --fleet elsewhere. "
                + "Nothing was changed"
        case .corrupt:
            "keep the file for inspection (mv \(path) \(path).damaged); muster starts a new one. "
                + "Hosts keep their own state"
        case .locked:
            "another muster has locked it (fuser \(path) names it); wait for its end and run again"
        case .full: "free space on that file system and run again; what was recorded before is kept"
        case .readOnly: "make \(path) and its directory writable for this user"
        case .held: "wait for that process to end, or end it; muster history shows the run"
        case .missing: "no run was recorded here yet; use --fleet to name another directory"
        case .cannotOpen: "check that the directory exists and may be written by this user"
        case .other: "run again; if the error stays, keep the file and report it"
        }
    }

    init(code: Int32, message: String, attempted: String, path: String) {
        let kind: Kind =
            switch code & 0xFF {
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
            case SQLITE_BUSY, SQLITE_LOCKED: .locked
            case SQLITE_FULL: .full
            case SQLITE_READONLY, SQLITE_PERM: .readOnly
            case SQLITE_CANTOPEN: .cannotOpen
            default: .other
            }
        self.init(kind, attempted: attempted, path: path, cause: message)
    }
}
