import Glibc
import Linux
import Runs
import Wire

/// Entries that a store did not accept, kept in a file beside it until it does: one JSON line per
/// entry.
///
/// A full disk, a lock that is never released or a damaged database must not lose the record of
/// what was done to a host. The file is durable after each entry. The next store that is opened for
/// recording stores the entries in their order and removes the file.
package struct Unrecorded: Sendable {
    /// One line of the file.
    package enum Entry: Sendable, Equatable {
        case progress(RunProgress)
        case end(RunEnding)
    }

    package let run: String
    package let path: String

    package init(run: String, in folder: StoreFolder) {
        self.run = run
        path = folder.unrecorded(run: run)
    }

    /// Adds an entry; durable on return.
    package func append(_ entry: Entry) throws(SystemError) {
        let isNew = access(path, F_OK) != 0
        let descriptor = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        try descriptor.writeAll(entry.json.canonicalBytes + [UInt8(ascii: "\n")])
        try check(fdatasync(descriptor.number), "fdatasync", path)
        guard isNew else { return }
        let folder = PathName.parent(of: path)
        let directory = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
        try check(fsync(directory.number), "fsync", folder)
    }

    /// The entries of a file, in order; an incomplete last line is ignored.
    static func entries(of path: String) throws(SystemError) -> [Entry] {
        let bytes = try LocalMachine().read(path, limit: 1 << 30)
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            (try? JSON(parsing: Array(line))).flatMap { try? Entry(json: $0) }
        }
    }

    /// Stores the entries of the files beside a store in that store.
    ///
    /// Files of runs that are being carried out now are left for the next time. If the store does
    /// not know a run, the run had not begun, and its file is kept unchanged.
    static func takeIn(
        from folder: StoreFolder, into connection: inout Connection
    ) throws(StoreError) {
        let prefix = "unrecorded-"
        let names = (try? LocalMachine().list(folder.path)) ?? []
        for name in names.sorted() where name.hasPrefix(prefix) && name.hasSuffix(".jsonl") {
            let run = String(name.dropFirst(prefix.count).dropLast(".jsonl".count))
            if RunLock.holder(place: folder.database, run: run) != nil { continue }
            let path = PathName.join(folder.path, name)
            let attempted = "take in the results of the run \(run)"
            let entries: [Entry]
            do throws(SystemError) {
                entries = try Self.entries(of: path)
            } catch {
                throw StoreError(
                    .other, attempted: attempted, path: folder.database,
                    cause: "\(path): \(error.reason)")
            }
            let isKnown = try connection.transaction(attempting: attempted) {
                (connection: inout Connection) throws(StoreError) -> Bool in
                let known = try connection.run(
                    "SELECT 1 FROM runs WHERE id = ?", [.text(run)], attempting: attempted)
                if known.isEmpty { return false }
                for entry in entries {
                    switch entry {
                    case .progress(let progress):
                        try SQLiteStore.record(
                            progress, run: run, at: Clock.wallSeconds(), on: &connection)
                    case .end(let ending):
                        try SQLiteStore.end(ending, run: run, on: &connection)
                    }
                }
                return true
            }
            if isKnown { unlink(path) }
        }
    }
}

extension Unrecorded.Entry {
    package var json: JSON {
        switch self {
        case .progress(let progress):
            [
                "transitions": .array(progress.transitions.map(\.json)),
                "results": .array(
                    progress.results.map { result in
                        .compact([
                            "host": .string(result.host), "outcome": .string(result.outcome),
                            "plan": .optional(result.plan?.description), "report": result.report,
                        ])
                    }),
            ]
        case .end(let ending):
            [
                "ended": .number(ending.time), "exit_code": .integer(ending.exitCode),
                "summary": ending.summary,
            ]
        }
    }

    package init(json: JSON) throws(JSONError) {
        if let code = json["exit_code"]?.integer {
            guard let time = json["ended"]?.double, let summary = json["summary"] else {
                throw JSONError("an end without its time or summary")
            }
            self = .end(RunEnding(time: time, exitCode: code, summary: summary))
            return
        }
        var progress = RunProgress()
        for transition in json["transitions"]?.array ?? [] {
            progress.transitions.append(try HostTransition(json: transition))
        }
        for result in json["results"]?.array ?? [] {
            guard let host = result["host"]?.string, let outcome = result["outcome"]?.string,
                let report = result["report"]
            else { throw JSONError("a result without its host, outcome or report") }
            progress.results.append(
                HostRecord(
                    host: host, outcome: outcome,
                    plan: result["plan"]?.string.flatMap { Digest($0) }, report: report))
        }
        self = .progress(progress)
    }
}
