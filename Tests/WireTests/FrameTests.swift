import Testing

@testable import Wire

@Suite struct FrameTests {
    private static let digest = Digest(of: Array("x".utf8))
    private static let frames: [Frame] = [
        .message(["kind": "hello", "n": 1]),
        .blob(BlobPiece(digest: digest, offset: 5, total: 9, content: [1, 2, 3])),
        .message(.null), .blob(BlobPiece(digest: digest, offset: 0, total: 0, content: [])),
    ]

    private func read(_ bytes: [UInt8], inPiecesOf size: Int, preamble: Bool) throws -> [Frame] {
        var reader = FrameReader(expectsPreamble: preamble)
        var found: [Frame] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            reader.append(bytes[start..<min(start + size, bytes.count)])
            while let frame = try reader.next() { found.append(frame) }
        }
        #expect(reader.isBetweenFrames)
        return found
    }

    @Test(arguments: [1, 2, 3, 7, 64, 10_000])
    func framesArriveHoweverTheStreamIsCut(size: Int) throws {
        let bytes = Self.frames.flatMap(\.encoded)
        #expect(try read(bytes, inPiecesOf: size, preamble: false) == Self.frames)
        let noisy = Array("Welcome!\n\0MUSTER".utf8) + Frame.preamble + bytes
        #expect(try read(noisy, inPiecesOf: size, preamble: true) == Self.frames)
    }

    @Test func noiseBeforeThePreambleIsKept() throws {
        var reader = FrameReader(expectsPreamble: true)
        reader.append(Array("motd\n".utf8))
        #expect(try reader.next() == nil)
        #expect(!reader.isInStep)
        reader.append(Frame.preamble)
        #expect(try reader.next() == nil)
        #expect(reader.isInStep)
        #expect(reader.noise == Array("motd\n".utf8))
    }

    @Test func tooMuchNoiseIsRefused() {
        var reader = FrameReader(expectsPreamble: true)
        reader.append([UInt8](repeating: 65, count: Frame.noiseLimit + 1))
        let error = #expect(throws: FrameError.self) { try reader.next() }
        #expect(error == .noPreamble(noise: String(repeating: "A", count: 400)))
    }

    private func error(_ bytes: [UInt8]) -> FrameError? {
        var reader = FrameReader(expectsPreamble: false)
        reader.append(bytes)
        return #expect(throws: FrameError.self) { try reader.next() }
    }

    @Test func whatIsNoFrameIsRefusedBeforeItIsRead() {
        #expect(error([0x58, 0, 0, 0, 0]) == .unknownType(0x58))
        #expect(
            error([0x4A, 0xFF, 0xFF, 0xFF, 0xFF])
                == .tooLong(count: 0xFFFF_FFFF, limit: Frame.messageLimit))
        #expect(
            error([0x42, 0, 4, 0, 49]) == .tooLong(count: 0x40031, limit: Frame.pieceLimit + 48))
        #expect(error([0x42, 0, 0, 0, 1, 0]) == .badPiece)
        if case .badMessage? = error([0x4A, 0, 0, 0, 1, 0x7B]) {
        } else {
            Issue.record("a broken message was taken")
        }
    }

    @Test(arguments: [(UInt64(1), UInt64(0), 0), (0, 2, 3), (.max, .max, 1), (5, 6, 2)])
    func piecesOutsideOfTheirBlobAreRefused(offset: UInt64, total: UInt64, count: Int) {
        let piece = BlobPiece(
            digest: Self.digest, offset: offset, total: total,
            content: [UInt8](repeating: 1, count: count))
        #expect(error(Frame.blob(piece).encoded) == .badPiece)
    }

    @Test(arguments: [0, 1, Frame.pieceLimit - 1, Frame.pieceLimit, Frame.pieceLimit + 1, 3 << 18])
    func blobsAreCutIntoPieces(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let pieces = BlobPiece.pieces(of: content, digest: Self.digest)
        #expect(pieces.flatMap(\.content) == content)
        #expect(
            pieces.allSatisfy { $0.total == UInt64(count) && $0.content.count <= Frame.pieceLimit })
        var end: UInt64 = 0
        for piece in pieces {
            #expect(piece.offset == end)
            end += UInt64(piece.content.count)
        }
        let bytes = pieces.flatMap { Frame.blob($0).encoded }
        #expect(try read(bytes, inPiecesOf: 100_000, preamble: false).count == pieces.count)
    }

    /// Rubbish ends in an error or in waiting for more, never in a trap.
    @Test(arguments: 1...100)
    func rubbishDoesNoHarm(seed: UInt64) {
        var state = seed
        let bytes = (0..<500).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return [0x4A, 0x42, 0, 0, 0, 1, UInt8(truncatingIfNeeded: state >> 40)][
                Int(state >> 33) % 7]
        }
        var reader = FrameReader(expectsPreamble: false)
        reader.append(bytes)
        var frames = 0
        while let frame = try? reader.next() {
            _ = frame
            frames += 1
        }
        #expect(frames <= 100)
    }
}

@Suite struct DigestTests {
    @Test func knownDigests() {
        #expect(
            Digest(of: []).description
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            Digest(of: Array("abc".utf8)).description
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(of: Array("abc".utf8)).short == "ba7816bf")
    }

    @Test func piecesGiveTheDigestOfTheWhole() {
        var hasher = Digest.Hasher()
        hasher.update([])
        hasher.update(Array("a".utf8))
        hasher.update(Array("bc".utf8))
        #expect(hasher.finish() == Digest(of: Array("abc".utf8)))
    }

    @Test(arguments: [
        "", "ab", String(repeating: "g", count: 64), String(repeating: "A", count: 64),
    ])
    func textThatIsNoDigestIsRefused(text: String) {
        #expect(Digest(text) == nil)
    }

    @Test func textAndBytesReadBack() throws {
        let digest = Digest(of: [1, 2, 3])
        #expect(Digest(digest.description) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(bytes: digest.bytes.dropLast()) == nil)
        #expect((digest < digest) == false)
    }
}
