import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// The journal's form on disk: a header line, then records one after another.
///
/// A record is a length of four bytes in network order, the first eight bytes of the payload's
/// SHA-256, and the payload: canonical JSON. The journal ends at a record that is cut short or does
/// not match its checksum: a power cut during a write leaves such a tail.
package enum JournalFile {
    static let header = Array("muster journal 1\n".utf8)
    /// The most bytes of one record.
    package static let recordLimit = 16 << 20
    static let prefixLength = 12

    /// The bytes of one record as they are written.
    static func encode(_ record: JournalRecord) throws(AgentFault) -> [UInt8] {
        let payload = record.json.canonicalBytes
        guard payload.count <= recordLimit else {
            throw AgentFault(
                "too-large", "write the journal", cause: "a record has \(payload.count) bytes",
                hint: "declare the change in smaller resources")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + prefixLength)
        let count = UInt32(payload.count)
        for shift in [24, 16, 8, 0] as [UInt32] {
            bytes.append(UInt8(truncatingIfNeeded: count >> shift))
        }
        bytes.append(contentsOf: Digest(of: payload).bytes.prefix(8))
        bytes.append(contentsOf: payload)
        return bytes
    }

    /// The records in a journal's bytes, and whether a damaged tail was ignored.
    package static func decode(_ bytes: [UInt8]) -> (records: [JournalRecord], isTorn: Bool) {
        guard bytes.starts(with: header) else { return ([], !bytes.isEmpty) }
        var records: [JournalRecord] = []
        var position = header.count
        while position < bytes.count {
            guard let range = payload(at: position, of: bytes),
                let record = record(in: range, of: bytes)
            else { return (records, true) }
            records.append(record)
            position = range.upperBound
        }
        return (records, false)
    }

    /// The last record of a whole journal, without reading those before it; nil if the lengths do
    /// not add up to the number of bytes or the record is damaged.
    static func last(_ bytes: [UInt8]) -> JournalRecord? {
        guard bytes.starts(with: header) else { return nil }
        var position = header.count
        var last: Range<Int>?
        while position < bytes.count {
            guard let range = payload(at: position, of: bytes) else { return nil }
            last = range
            position = range.upperBound
        }
        return last.flatMap { record(in: $0, of: bytes) }
    }

    /// The first record of a journal, without reading the later ones; nil if it is not whole.
    ///
    /// `read` returns the journal's first bytes, at most as many as requested.
    static func first(
        _ read: (Int) throws(AgentFault) -> [UInt8]
    ) throws(AgentFault) -> JournalRecord? {
        var bytes = try read(4096)
        let start = header.count + prefixLength
        guard bytes.starts(with: header), bytes.count >= start else { return nil }
        let count = bytes[header.count..<header.count + 4].reduce(0) { $0 << 8 | Int($1) }
        guard count <= recordLimit else { return nil }
        if bytes.count < start + count { bytes = try read(start + count) }
        return payload(at: header.count, of: bytes).flatMap { record(in: $0, of: bytes) }
    }

    /// The range of the payload of the record at a position; nil if it is cut short.
    private static func payload(at position: Int, of bytes: [UInt8]) -> Range<Int>? {
        let start = position + prefixLength
        guard start <= bytes.count else { return nil }
        let count = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
        guard count <= recordLimit, bytes.count - start >= count else { return nil }
        return start..<start + count
    }

    /// The record in a payload; nil if its checksum or its form is wrong.
    private static func record(in range: Range<Int>, of bytes: [UInt8]) -> JournalRecord? {
        let checksum = bytes[range.lowerBound - 8..<range.lowerBound]
        guard Digest(of: bytes[range]).bytes.prefix(8) == checksum,
            let json = try? JSON(parsing: bytes[range])
        else { return nil }
        return try? JournalRecord(json: json)
    }
}

/// Appends to the journal of one apply.
package struct JournalWriter: ~Copyable {
    private let descriptor: Descriptor
    private let path: String
    private var size: Int

    private init(_ descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
        size = 0
    }

    /// Begins a journal: the file, its header and its first record are durable on return.
    package static func create(
        _ number: Int, in state: StateDirectory, begin: RunBegin
    ) throws(AgentFault) -> JournalWriter {
        let path = JournalDirectory.path(of: number, in: state)
        do {
            var writer = try open(path)
            try writer.write(JournalFile.header)
            try writer.append(.begin(begin))
            try writer.flush()
            try StateDirectory.flushDirectory(state.journal)
            return writer
        } catch {
            // A journal without its first record is useless.
            unlink(path)
            throw error
        }
    }

    private static func open(_ path: String) throws(AgentFault) -> JournalWriter {
        do {
            let flags = O_WRONLY | O_CREAT | O_EXCL
            return JournalWriter(try Descriptor.open(path, flags, mode: 0o600), path: path)
        } catch {
            throw AgentFault("create \(path)", error)
        }
    }

    /// Adds a record.
    ///
    /// Durable only after ``flush()``; on failure the file keeps its earlier content.
    package mutating func append(_ record: JournalRecord) throws(AgentFault) {
        try append([record])
    }

    /// Adds several records, all or none.
    package mutating func append(_ records: [JournalRecord]) throws(AgentFault) {
        var bytes: [UInt8] = []
        for record in records { bytes += try JournalFile.encode(record) }
        try write(bytes)
    }

    /// Brings every record to the disk.
    package func flush() throws(AgentFault) {
        if fdatasync(descriptor.number) != 0 {
            throw AgentFault(
                "flush \(path)", SystemError(call: "fdatasync", object: path, code: errno))
        }
    }

    private mutating func write(_ bytes: [UInt8]) throws(AgentFault) {
        do {
            try descriptor.writeAll(bytes)
            size += bytes.count
        } catch {
            // A partial record must not precede the next one.
            if ftruncate(descriptor.number, off_t(size)) == 0 {
                lseek(descriptor.number, off_t(size), SEEK_SET)
            }
            throw AgentFault("write \(path)", error)
        }
    }
}

extension StateDirectory {
    /// Makes the directory entries durable.
    static func flushDirectory(_ directory: String) throws(AgentFault) {
        do {
            let descriptor = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
            try check(fsync(descriptor.number), "fsync", directory)
        } catch {
            throw AgentFault("flush \(directory)", error)
        }
    }
}
