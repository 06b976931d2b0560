/// A message of the ethtool interface: numbers in the machine's byte order, the command first.
///
/// Both supported architectures are little-endian. (linux/ethtool.h)
package struct LinkMessage: Sendable, Equatable {
    package private(set) var bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// A message of this many bytes, all zero except for the command.
    package init(_ command: LinkCommand, size: Int) {
        bytes = [UInt8](repeating: 0, count: size)
        self[word: 0] = command.rawValue
    }

    /// The 32-bit word at four times the index; 0 beyond the end.
    package subscript(word index: Int) -> UInt32 {
        get { self[at: index * 4] }
        set { self[at: index * 4] = newValue }
    }

    /// The number at a byte offset; beyond the end it reads as 0 and setting it has no effect.
    package subscript<T: FixedWidthInteger & UnsignedInteger>(at offset: Int) -> T {
        get {
            let size = MemoryLayout<T>.size
            guard offset >= 0, offset + size <= bytes.count else { return 0 }
            return (0..<size).reversed().reduce(0) { $0 << 8 | T(bytes[offset + $1]) }
        }
        set {
            let size = MemoryLayout<T>.size
            guard offset >= 0, offset + size <= bytes.count else { return }
            for place in 0..<size {
                bytes[offset + place] = UInt8(truncatingIfNeeded: newValue >> (8 * T(place)))
            }
        }
    }

    /// A text field of fixed size, without the driver's padding.
    package func text(at offset: Int, size: Int) -> String {
        let field = bytes.dropFirst(offset).prefix(size).prefix { $0 != 0 }
        var text = String(decoding: field, as: UTF8.self)
        while text.last == " " { text.removeLast() }
        return text
    }

    package mutating func set(_ text: String, at offset: Int, size: Int) {
        for (place, byte) in text.utf8.prefix(size - 1).enumerated()
        where offset + place < bytes.count {
            bytes[offset + place] = byte
        }
    }
}

/// Commands of ethtool's interface (linux/ethtool.h).
package enum LinkCommand: UInt32, Sendable {
    case driver = 0x03
    case coalescing = 0x0e
    case setCoalescing = 0x0f
    case rings = 0x10
    case setRings = 0x11
    case pause = 0x12
    case setPause = 0x13
    case strings = 0x1b
    case permanentAddress = 0x20
    case privateFlags = 0x27
    case setPrivateFlags = 0x28
    case receiveRings = 0x2d
    case ruleCount = 0x2e
    case rule = 0x2f
    case ruleList = 0x30
    case deleteRule = 0x31
    case insertRule = 0x32
    case stringCounts = 0x37
    case features = 0x3a
    case setFeatures = 0x3b
    case channels = 0x3c
    case setChannels = 0x3d
    case timestampingAbilities = 0x41
    case hashing = 0x46
    case setHashing = 0x47
}
