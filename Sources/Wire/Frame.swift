/// One unit on the stream between controller and agent.
///
/// A frame is a type byte, a length of four bytes in network order, and that many bytes of payload.
/// Each agent prints ``Frame/preamble`` before its first frame: text that a login shell prints
/// before it is noise and is skipped.
package enum Frame: Sendable, Equatable {
    /// A message in canonical JSON.
    case message(JSON)
    /// A piece of a blob.
    case blob(BlobPiece)

    /// The bytes that the agent prints once, before its first frame.
    package static let preamble: [UInt8] = Array("\0MUSTER-AGENT\0\n".utf8)
    /// The most bytes of noise accepted before the preamble.
    package static let noiseLimit = 64 << 10
    /// The most bytes of one message.
    package static let messageLimit = 16 << 20
    /// The most bytes of one piece of a blob.
    package static let pieceLimit = 256 << 10

    /// The bytes as sent.
    package var encoded: [UInt8] {
        switch self {
        case .message(let message): Frame.encode(type: 0x4A, message.canonicalBytes)
        case .blob(let piece): Frame.encode(type: 0x42, piece.encoded)
        }
    }

    private static func encode(type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let count = UInt32(payload.count)
        var bytes: [UInt8] = [type]
        bytes.reserveCapacity(payload.count + 5)
        for shift in [24, 16, 8, 0] as [UInt32] {
            bytes.append(UInt8(truncatingIfNeeded: count >> shift))
        }
        bytes.append(contentsOf: payload)
        return bytes
    }
}

/// A piece of a blob: the blob's digest, the offset of the piece, the size of the whole.
package struct BlobPiece: Sendable, Equatable {
    package let digest: Digest
    package let offset: UInt64
    package let total: UInt64
    package let content: [UInt8]

    package init(digest: Digest, offset: UInt64, total: UInt64, content: [UInt8]) {
        self.digest = digest
        self.offset = offset
        self.total = total
        self.content = content
    }

    /// Cuts a blob into pieces; an empty blob is one empty piece.
    package static func pieces(of content: [UInt8], digest: Digest) -> [BlobPiece] {
        let total = UInt64(content.count)
        if content.isEmpty { return [BlobPiece(digest: digest, offset: 0, total: 0, content: [])] }
        return stride(from: 0, to: content.count, by: Frame.pieceLimit).map { start in
            BlobPiece(
                digest: digest, offset: UInt64(start), total: total,
                content: Array(content[start..<min(start + Frame.pieceLimit, content.count)]))
        }
    }

    var encoded: [UInt8] {
        var bytes = digest.bytes
        for number in [offset, total] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        return bytes + content
    }

    init?(encoded bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 48, let digest = Digest(bytes: bytes.prefix(32)) else { return nil }
        func number(_ start: Int) -> UInt64 {
            bytes[bytes.startIndex + start..<bytes.startIndex + start + 8]
                .reduce(0) { $0 << 8 | UInt64($1) }
        }
        let (offset, total) = (number(32), number(40))
        // A piece outside its blob would be written past the blob's end.
        guard offset <= total, UInt64(bytes.count - 48) <= total - offset else { return nil }
        self.init(
            digest: digest, offset: offset, total: total, content: Array(bytes.dropFirst(48)))
    }
}

/// A fault of a stream of frames, which cannot be used afterwards.
package enum FrameError: Error, Sendable, Equatable {
    /// No preamble within the bytes allowed for noise; `noise` is the start of what arrived
    /// instead.
    case noPreamble(noise: String)
    case unknownType(UInt8)
    case tooLong(count: Int, limit: Int)
    case badMessage(JSONError)
    case badPiece
}
