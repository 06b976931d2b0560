import FleetModel
import Glibc
import Journal
import Linux
import SystemFaults
import Wire

/// Collects blobs that arrive in pieces: small ones in memory, large ones in the spool.
struct BlobIntake {
    /// The most bytes of a blob held in memory: a plan, a file.
    static let memoryLimit = 16 << 20
    /// The most bytes of a blob in the spool: a package.
    static let spoolLimit: UInt64 = 4 << 30
    /// The most bytes of all blobs held in memory.
    static let totalLimit = 32 << 20

    private struct Incoming {
        var hasher = Digest.Hasher()
        var received: UInt64 = 0
        var total: UInt64
        var content: [UInt8] = []
        /// The spool file for a blob that is too large for memory.
        var file: Int32?
    }

    private var incoming: [Digest: Incoming] = [:]
    private var complete: [Digest: [UInt8]] = [:]
    private var spooled: Set<Digest> = []
    private var held = 0
    /// Blobs that could not be stored; their remaining pieces are discarded.
    private var discarded: Set<Digest> = []
    /// The directory for large blobs; nil in a check, which takes no large blobs.
    var spool: String?

    /// Whether a blob has arrived in full.
    func has(_ digest: Digest) -> Bool { complete[digest] != nil || spooled.contains(digest) }

    /// The file of a blob that has arrived in full and lies in the spool; otherwise nil.
    func file(_ digest: Digest) -> String? {
        spooled.contains(digest) ? path(of: digest) : nil
    }

    /// The content of a blob that has arrived in full; otherwise nil.
    ///
    /// A blob in the spool is read too, up to the limit for memory; a larger one must be copied as a
    /// file.
    func content(_ digest: Digest) throws(AgentFault) -> [UInt8]? {
        if let content = complete[digest] { return content }
        guard let path = file(digest) else { return nil }
        do {
            return try LocalMachine().read(path, limit: BlobIntake.memoryLimit)
        } catch {
            throw AgentFault("read \(path)", error)
        }
    }

    /// Releases the memory or the spool file of a blob.
    mutating func forget(_ digest: Digest) {
        if let content = complete.removeValue(forKey: digest) { held -= content.count }
        if spooled.remove(digest) != nil, let path = path(of: digest) { unlink(path) }
    }

    /// Takes in the next piece of a blob; the last one completes it and its digest is verified.
    mutating func take(_ piece: BlobPiece) throws(AgentFault) {
        if discarded.contains(piece.digest) {
            if piece.isLast { discarded.remove(piece.digest) }
            return
        }
        var blob: Incoming
        if let begun = incoming.removeValue(forKey: piece.digest) {
            blob = begun
        } else {
            blob = try begin(piece)
        }
        guard piece.offset == blob.received, piece.total == blob.total,
            UInt64(piece.content.count) <= blob.total - blob.received
        else {
            abandon(blob)
            throw BlobIntake.misfit(piece.digest, "its pieces do not fit together")
        }
        blob.hasher.update(piece.content)
        blob.received += UInt64(piece.content.count)
        if let file = blob.file {
            try write(piece, to: file, blob)
        } else {
            blob.content += piece.content
        }
        if blob.received < blob.total {
            guard !piece.content.isEmpty else {
                abandon(blob)
                throw BlobIntake.misfit(piece.digest, "a piece is empty")
            }
            incoming[piece.digest] = blob
            return
        }
        guard blob.hasher.finish() == piece.digest else {
            abandon(blob)
            throw AgentFault(
                "bad-blob", "receive blob \(piece.digest.short)",
                cause: "its content does not match its digest",
                hint: "the controller's copy changed while it was sent; plan again")
        }
        if let file = blob.file {
            close(file)
            spooled.insert(piece.digest)
        } else {
            complete[piece.digest] = blob.content
        }
    }

    private mutating func begin(_ piece: BlobPiece) throws(AgentFault) -> Incoming {
        var blob = Incoming(total: piece.total)
        if piece.total <= UInt64(BlobIntake.memoryLimit),
            held + Int(piece.total) <= BlobIntake.totalLimit
        {
            held += Int(piece.total)
            return blob
        }
        guard piece.total <= BlobIntake.spoolLimit, let path = path(of: piece.digest) else {
            throw BlobIntake.misfit(piece.digest, "it has \(piece.total) bytes, which is too many")
        }
        do {
            blob.file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
                .release()
        } catch {
            throw AgentFault("create \(path)", error)
        }
        return blob
    }

    private mutating func write(
        _ piece: BlobPiece, to file: Int32, _ blob: Incoming
    ) throws(AgentFault) {
        let descriptor = Descriptor(owning: file)
        do {
            try descriptor.writeAll(piece.content)
            _ = descriptor.release()
        } catch {
            if let path = path(of: piece.digest) { unlink(path) }
            if !piece.isLast { discarded.insert(piece.digest) }
            throw AgentFault("receive blob \(piece.digest.short)", error)
        }
    }

    private mutating func abandon(_ blob: Incoming) {
        if let file = blob.file { close(file) } else { held -= Int(blob.total) }
    }

    private func path(of digest: Digest) -> String? { spool.map { $0 + "/" + digest.description } }

    /// Whether pieces of a blob are still to be thrown away.
    func isDiscarding(_ digest: Digest) -> Bool { discarded.contains(digest) }

    private static func misfit(_ digest: Digest, _ cause: String) -> AgentFault {
        AgentFault(
            "bad-pieces", "receive blob \(digest.short)", cause: cause,
            hint: "use a controller of the same version as the agent")
    }
}

extension BlobPiece {
    /// Whether this piece completes the blob.
    var isLast: Bool { offset &+ UInt64(content.count) >= total }
}
