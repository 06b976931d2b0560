import FleetModel
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import Journal

private func begin(_ serial: Int = 1, pending: [PlannedHandler] = []) -> RunBegin {
    RunBegin(
        runID: "r\(serial)", plan: Digest(of: []), serial: serial, requestedBy: "a@b", time: 0,
        bootID: "boot", pending: pending)
}

private func handler(_ address: String) -> PlannedHandler {
    PlannedHandler(address: address, kind: .service, name: address, action: .restart)
}

private func intent(
    _ address: String, before: [BeforeImage] = [], handlers: [String] = []
) -> ChangeIntent {
    ChangeIntent(
        address: address, kind: .file, name: "/etc/" + address,
        changes: [Change("content", before: "x", after: "y")], before: before,
        handlers: handlers.map(handler))
}

private let fault = AgentFault("code", "do it", cause: "because", hint: "try")

@Suite("Journal")
struct JournalTests {
    static let everyRecord: [JournalRecord] = [
        .begin(begin(pending: [handler("h")])),
        .intent(
            intent(
                "a",
                before: [
                    .nothing(path: "/x"),
                    .file(path: "/y", content: Digest(of: [1]), mode: 0o644, uid: 0, gid: 0),
                ], handlers: ["h"])),
        .done(address: "a"),
        .failed(address: "a", fault: fault, isUntouched: true),
        .handlerDone(address: "h"),
        .handlerFailed(address: "h", fault: fault),
        .end(stopped: nil),
        .end(stopped: "the controller asked for it"),
        .end(stopped: nil, isSettled: true),
    ]

    @Test("each record reads back as it was written", arguments: everyRecord)
    func roundTrip(_ record: JournalRecord) throws {
        #expect(try JournalRecord(json: record.json) == record)
    }

    @Test("what is written reads back, and a journal cut anywhere reads up to the cut")
    func tornAnywhere() throws {
        var bytes = JournalFile.header
        var ends: [Int] = []
        for record in Self.everyRecord {
            bytes += try JournalFile.encode(record)
            ends.append(bytes.count)
        }
        for length in 0...bytes.count {
            let (records, isTorn) = JournalFile.decode(Array(bytes.prefix(length)))
            let whole = ends.filter { $0 <= length }.count
            #expect(records == Array(Self.everyRecord.prefix(whole)))
            let isBoundary =
                length == 0 || length == JournalFile.header.count || ends.contains(length)
            #expect(isTorn == !isBoundary)
        }
    }

    @Test("a flipped byte anywhere never reads as something else")
    func flipped() throws {
        var bytes = JournalFile.header
        for record in Self.everyRecord { bytes += try JournalFile.encode(record) }
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x20
            let (records, isTorn) = JournalFile.decode(damaged)
            #expect(isTorn)
            #expect(records == Array(Self.everyRecord.prefix(records.count)))
        }
    }

    @Test("tells open changes, pending handlers and whether the run ended")
    func state() throws {
        let records: [JournalRecord] = [
            .begin(begin(pending: [handler("old")])),
            .intent(intent("a", handlers: ["h"])), .done(address: "a"),
            .intent(intent("b", handlers: ["i"])),
            .failed(address: "b", fault: fault, isUntouched: true),
            .intent(intent("c", handlers: ["j"])),
            .failed(address: "c", fault: fault, isUntouched: false),
            .handlerDone(address: "old"), .intent(intent("d")),
        ]
        let state = try #require(JournalState(number: 7, records: records, isTorn: true))
        #expect(state.pending.map(\.address) == ["h", "j"])
        #expect(state.openChanges.map(\.address) == ["d"])
        #expect(!state.isFinished)
        let ended = JournalState(number: 7, records: records + [.end(stopped: "x")], isTorn: false)
        #expect(ended?.isFinished == true)
        #expect(ended?.stopped == "x")
        #expect(JournalState(number: 7, records: [], isTorn: true) == nil)
    }

    @Test("the state directory is private, and one that is not is refused")
    func privacy() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory + "/state")
            try state.prepare()
            try state.prepare()
            let status = try LocalMachine().status(state.path, followLinks: false)
            #expect(status.mode == 0o700)
            chmod(state.path, 0o777)
            let fault = #expect(throws: AgentFault.self) { try state.prepare() }
            #expect(fault?.code == "unsafe-state")
        }
    }

    @Test("a directory that cannot be made is a clear fault")
    func readOnly() throws {
        let fault = #expect(throws: AgentFault.self) {
            try StateDirectory("/proc/muster").prepare()
        }
        #expect(fault?.attempted == "create /proc/muster")
    }

    @Test("keeps the newest journals, unfinished ones, and the contents they name")
    func prune() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            try state.prepare()
            let store = BeforeStore(state)
            for number in 1...6 {
                let content = try store.keep(Array("before \(number)".utf8))
                var writer = try JournalWriter.create(number, in: state, begin: begin(number))
                try writer.append(
                    .intent(
                        intent(
                            "a",
                            before: [
                                .file(path: "/x", content: content, mode: 0, uid: 0, gid: 0)
                            ])))
                if number != 2 { try writer.append(.end(stopped: nil)) }
                try writer.flush()
            }
            try JournalDirectory.prune(in: state, keep: 2)
            #expect(try JournalDirectory.numbers(in: state) == [2, 5, 6])
            for number in [2, 5, 6] {
                let digest = Digest(of: Array("before \(number)".utf8))
                #expect(try store.content(digest) == Array("before \(number)".utf8))
            }
            #expect(try LocalMachine().list(state.before).count == 3)
            #expect(try JournalDirectory.latest(in: state)?.begin.serial == 6)
        }
    }

    /// Makes a journal whose one change names a content; gives the content's digest.
    @discardableResult
    private func journal(
        _ number: Int, in state: StateDirectory, isFinished: Bool,
        _ image: (Digest) -> BeforeImage = {
            .file(path: "/x", content: $0, mode: 0, uid: 0, gid: 0)
        }
    ) throws -> Digest {
        let content = try BeforeStore(state).keep(Array("before \(number)".utf8))
        var writer = try JournalWriter.create(number, in: state, begin: begin(number))
        try writer.append(.intent(intent("a", before: [image(content)])))
        if isFinished { try writer.append(.end(stopped: nil)) }
        try writer.flush()
        return content
    }

    @Test("journals that never came to their end do not pile up; the newest is always kept")
    func pruneUnfinished() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            try state.prepare()
            for number in 1...9 { try journal(number, in: state, isFinished: number == 4) }
            try JournalDirectory.prune(in: state, keep: 2, unfinished: 3)
            #expect(try JournalDirectory.numbers(in: state) == [7, 8, 9])
            #expect(try LocalMachine().list(state.before).count == 3)
            try JournalDirectory.prune(in: state, keep: 2, bytes: 1, unfinished: 1)
            #expect(try JournalDirectory.numbers(in: state) == [9])
        }
    }

    @Test("lines of account files are kept as long as the journal that names them")
    func pruneKeepsAccountLines() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            try state.prepare()
            try journal(1, in: state, isFinished: true)
            let line = try journal(2, in: state, isFinished: true) {
                .accountLine(file: "/etc/shadow", name: "feed", line: $0)
            }
            try JournalDirectory.prune(in: state, keep: 1)
            #expect(try JournalDirectory.numbers(in: state) == [2])
            #expect(try BeforeStore(state).content(line) == Array("before 2".utf8))
        }
    }

    @Test("a finished journal is decoded once; what it names is known from then on")
    func pruneDecodesOnce() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            try state.prepare()
            let contents = try (1...3).map { try journal($0, in: state, isFinished: true) }
            try JournalDirectory.prune(in: state, keep: 3)
            // Were it decoded again, it would be torn, unfinished, and name nothing.
            let path = JournalDirectory.path(of: 2, in: state)
            try LocalMachine().writeInPlace(path, Array("muster journal 1\nx".utf8))
            try journal(4, in: state, isFinished: true)
            try JournalDirectory.prune(in: state, keep: 3)
            #expect(try JournalDirectory.numbers(in: state) == [2, 3, 4])
            #expect(try BeforeStore(state).content(contents[1]) == Array("before 2".utf8))
            #expect(throws: AgentFault.self) { try BeforeStore(state).content(contents[0]) }
            // One that was cut short is made anew.
            let summary = state.journal + "/0000000003.before"
            try LocalMachine().writeInPlace(summary, [])
            try JournalDirectory.prune(in: state, keep: 2)
            #expect(try BeforeStore(state).content(contents[2]) == Array("before 3".utf8))
        }
    }

    @Test("only a whole journal that says so is settled; any other is read and tells")
    func unsettled() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            try state.prepare()
            #expect(try JournalDirectory.unsettled(in: state) == nil)
            func journal(_ number: Int, _ records: [JournalRecord]) throws {
                var writer = try JournalWriter.create(number, in: state, begin: begin(number))
                for record in records { try writer.append(record) }
                try writer.flush()
            }
            let change = JournalRecord.intent(intent("a", handlers: ["h"]))
            try journal(1, [change, .done(address: "a"), .end(stopped: nil)])
            #expect(try JournalDirectory.unsettled(in: state)?.pending.map(\.address) == ["h"])
            try journal(2, [.handlerDone(address: "h"), .end(stopped: nil, isSettled: true)])
            #expect(try JournalDirectory.unsettled(in: state) == nil)
            // A tail that was cut or changed: the end may not have been the end.
            let path = JournalDirectory.path(of: 2, in: state)
            let whole = try LocalMachine().read(path, limit: 1 << 20)
            try LocalMachine().writeInPlace(path, Array(whole.dropLast()))
            #expect(try JournalDirectory.unsettled(in: state)?.isTorn == true)
            var changed = whole
            changed[changed.count - 2] ^= 1
            try LocalMachine().writeInPlace(path, changed)
            #expect(try JournalDirectory.unsettled(in: state)?.isFinished == false)
            try journal(3, [change])
            #expect(try JournalDirectory.unsettled(in: state)?.openChanges.map(\.address) == ["a"])
        }
    }

    @Test("a content that was damaged is not given back")
    func damagedContent() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            try state.prepare()
            let digest = try BeforeStore(state).keep([1, 2, 3])
            try LocalMachine().writeInPlace(state.before + "/\(digest)", [1, 2, 4])
            let fault = #expect(throws: AgentFault.self) { try BeforeStore(state).content(digest) }
            #expect(fault?.code == "damaged")
            // Kept again it is whole again: the next change is about to replace the only other copy.
            #expect(try BeforeStore(state).keep([1, 2, 3]) == digest)
            #expect(try BeforeStore(state).content(digest) == [1, 2, 3])
        }
    }

    @Test("a second apply is refused and named; a check sees the first without a lock of its own")
    func lock() throws {
        try withTemporaryDirectory { directory in
            let state = StateDirectory(directory)
            #expect(ApplyLock.holder(of: state) == nil)
            let holder = ApplyLock.Holder(pid: 4711, runID: "r1", requestedBy: "a@b", since: 0)
            do {
                let lock = try ApplyLock.take(in: state, as: holder)
                #expect(ApplyLock.holder(of: state) == holder.text)
                var code: String?
                do throws(AgentFault) {
                    _ = try ApplyLock.take(in: state, as: holder)
                } catch {
                    code = error.code
                    #expect(error.cause.contains("run r1 of a@b (process 4711"))
                }
                #expect(code == "locked")
                _ = consume lock
            }
            #expect(ApplyLock.holder(of: state) == nil)
        }
    }

    @Test("orphans: what was applied and is declared by nothing any more")
    func orphans() throws {
        func plan(_ names: [String], partial: Bool = false, absent: String? = nil) -> Plan {
            Plan(
                host: "h", isPartial: partial,
                resources: names.map {
                    PlannedResource(
                        address: "role/file:\($0)", kind: .file, name: $0,
                        attributes: $0 == absent ? ["state": "absent"] : [:])
                })
        }
        var record = DeclaredRecord()
        let first = plan(["/a", "/b", "/c"])
        func leaves(_ resource: PlannedResource) -> Bool {
            resource.attributes["state"] != "absent"
        }
        record.take(first, applied: Set(first.resources.map(\.address)), leaves: leaves)
        #expect(record.orphans(beside: first) == [])
        #expect(record.orphans(beside: plan(["/a"])) == ["role/file:/b", "role/file:/c"])
        #expect(record.orphans(beside: plan(["/a"], partial: true)) == [])
        var moved = plan(["/a", "/b", "/c"])
        moved.resources[1].address = "other/file:/b"
        #expect(record.orphans(beside: moved) == [])
        record.take(plan(["/b"], absent: "/b"), applied: ["role/file:/b"], leaves: leaves)
        #expect(record.orphans(beside: plan(["/a"])) == ["role/file:/c"])
        #expect(try DeclaredRecord(json: record.json) == record)
    }
}
