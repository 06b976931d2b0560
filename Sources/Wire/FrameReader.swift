/// Splits a stream of bytes into frames; holds at most one frame's bytes.
package struct FrameReader: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0
    private var awaitsPreamble: Bool
    /// What arrived before the preamble.
    package private(set) var noise: [UInt8] = []

    /// A reader for the agent's output (which begins with a preamble) or for its input.
    package init(expectsPreamble: Bool) { awaitsPreamble = expectsPreamble }

    /// Whether the preamble has been seen, or none is expected.
    package var isInStep: Bool { !awaitsPreamble }

    /// The bytes received and not yet returned in a frame.
    package var pending: [UInt8] { Array(buffer[start...]) }

    /// Whether the stream may end here: no frame is cut short.
    package var isBetweenFrames: Bool { !awaitsPreamble && start == buffer.count }

    /// Adds received bytes.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 1 << 16 || start == buffer.count {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame; nil until more bytes arrive.
    package mutating func next() throws(FrameError) -> Frame? {
        if awaitsPreamble {
            guard try skipNoise() else { return nil }
        }
        guard buffer.count - start >= 5 else { return nil }
        let type = buffer[start]
        let count = buffer[start + 1..<start + 5].reduce(0) { $0 << 8 | Int($1) }
        let limit: Int
        switch type {
        case 0x4A: limit = Frame.messageLimit
        case 0x42: limit = Frame.pieceLimit + 48
        default: throw .unknownType(type)
        }
        if count > limit { throw .tooLong(count: count, limit: limit) }
        guard buffer.count - start >= 5 + count else { return nil }
        let payload = buffer[start + 5..<start + 5 + count]
        start += 5 + count
        if type == 0x42 {
            guard let piece = BlobPiece(encoded: payload) else { throw .badPiece }
            return .blob(piece)
        }
        do {
            return .message(try JSON(parsing: payload))
        } catch {
            throw .badMessage(error)
        }
    }

    private mutating func skipNoise() throws(FrameError) -> Bool {
        let preamble = Frame.preamble
        if buffer.count >= preamble.count {
            for index in 0...(buffer.count - preamble.count)
            where buffer[index] == preamble[0]
                && buffer[index..<index + preamble.count].elementsEqual(preamble)
            {
                noise = Array(buffer[0..<index])
                start = index + preamble.count
                awaitsPreamble = false
                return true
            }
        }
        if buffer.count > Frame.noiseLimit {
            throw .noPreamble(noise: String(decoding: buffer.prefix(400), as: UTF8.self))
        }
        return false
    }
}
