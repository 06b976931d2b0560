/// SHA-1 (FIPS 180-4) and HMAC-SHA1 (RFC 2104), with which OpenSSH hashes host names in
/// known_hosts.
///
/// Not to be used for anything else.
enum SHA1 {
    /// The state between two blocks.
    struct State {
        var a: UInt32 = 0x6745_2301
        var b: UInt32 = 0xefcd_ab89
        var c: UInt32 = 0x98ba_dcfe
        var d: UInt32 = 0x1032_5476
        var e: UInt32 = 0xc3d2_e1f0

        mutating func add(block: ArraySlice<UInt8>) {
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { words in
                for (index, start) in stride(from: block.startIndex, to: block.endIndex, by: 4)
                    .enumerated()
                {
                    words[index] =
                        UInt32(block[start]) << 24 | UInt32(block[start + 1]) << 16
                        | UInt32(block[start + 2]) << 8 | UInt32(block[start + 3])
                }
                for index in 16..<80 {
                    words[index] = rotate(
                        words[index - 3] ^ words[index - 8] ^ words[index - 14]
                            ^ words[index - 16], 1)
                }
                mix(words)
            }
        }

        private mutating func mix(_ words: UnsafeMutableBufferPointer<UInt32>) {
            var next = self
            for index in 0..<80 {
                let chosen: UInt32
                let constant: UInt32
                switch index {
                case 0..<20:
                    chosen = next.b & next.c | ~next.b & next.d
                    constant = 0x5a82_7999
                case 20..<40:
                    chosen = next.b ^ next.c ^ next.d
                    constant = 0x6ed9_eba1
                case 40..<60:
                    chosen = next.b & next.c | next.b & next.d | next.c & next.d
                    constant = 0x8f1b_bcdc
                default:
                    chosen = next.b ^ next.c ^ next.d
                    constant = 0xca62_c1d6
                }
                let sum = rotate(next.a, 5) &+ chosen &+ next.e &+ constant &+ words[index]
                next.e = next.d
                next.d = next.c
                next.c = rotate(next.b, 30)
                next.b = next.a
                next.a = sum
            }
            a &+= next.a
            b &+= next.b
            c &+= next.c
            d &+= next.d
            e &+= next.e
        }

        private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
            word << count | word >> (32 - count)
        }

        var bytes: [UInt8] {
            [a, b, c, d, e].flatMap { word in
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
            }
        }
    }

    /// The digest of `message`, whose first `prefixLength` bytes are already in the state.
    static func finish(_ state: State, _ message: [UInt8], prefixLength: Int = 0) -> [UInt8] {
        var state = state
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(prefixLength + message.count) * 8
        for shift in stride(from: 56, through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
        }
        for start in stride(from: 0, to: padded.count, by: 64) {
            state.add(block: padded[start..<start + 64])
        }
        return state.bytes
    }

    /// An HMAC key with both pads already processed: half of the work of a match, done once per
    /// line.
    struct HMAC {
        private var inner = State()
        private var outer = State()

        init(key: [UInt8]) {
            var block = key.count > 64 ? SHA1.finish(State(), key) : key
            block += [UInt8](repeating: 0, count: 64 - block.count)
            inner.add(block: block.map { $0 ^ 0x36 }[...])
            outer.add(block: block.map { $0 ^ 0x5c }[...])
        }

        func authenticate(_ message: [UInt8]) -> [UInt8] {
            let digest = SHA1.finish(inner, message, prefixLength: 64)
            return SHA1.finish(outer, digest, prefixLength: 64)
        }
    }
}
