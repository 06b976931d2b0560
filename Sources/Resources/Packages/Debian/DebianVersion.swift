/// Versions of Debian packages, ordered as deb-version(7) orders them.
package enum DebianVersion {
    /// Negative where `left` is older, 0 where both are the same, positive where it is newer.
    package static func compare(_ left: String, _ right: String) -> Int {
        let left = parts(left)
        let right = parts(right)
        if left.epoch != right.epoch { return left.epoch < right.epoch ? -1 : 1 }
        let upstream = compareText(left.upstream, right.upstream)
        return upstream != 0 ? upstream : compareText(left.revision, right.revision)
    }

    private static func parts(
        _ version: String
    ) -> (epoch: Int, upstream: [UInt8], revision: [UInt8]) {
        var bytes = Array(version.utf8)[...]
        var epoch = 0
        if let colon = bytes.firstIndex(of: 58) {
            epoch = Int(String(decoding: bytes[..<colon], as: UTF8.self)) ?? 0
            bytes = bytes[(colon + 1)...]
        }
        guard let dash = bytes.lastIndex(of: 45) else { return (epoch, Array(bytes), []) }
        return (epoch, Array(bytes[..<dash]), Array(bytes[(dash + 1)...]))
    }

    /// Alternates runs of other characters, compared by rank, and of digits, compared as numbers.
    private static func compareText(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var i = 0
        var j = 0
        while i < left.count || j < right.count {
            while i < left.count && !isDigit(left[i]) || j < right.count && !isDigit(right[j]) {
                let a = i < left.count ? rank(left[i]) : 0
                let b = j < right.count ? rank(right[j]) : 0
                if a != b { return a - b }
                i += 1
                j += 1
            }
            let a = number(left, &i)
            let b = number(right, &j)
            // Without leading zeros the longer number is the larger.
            if a.count != b.count { return a.count - b.count }
            if a != b { return a.lexicographicallyPrecedes(b) ? -1 : 1 }
        }
        return 0
    }

    private static func number(_ text: [UInt8], _ index: inout Int) -> ArraySlice<UInt8> {
        let start = index
        while index < text.count, isDigit(text[index]) { index += 1 }
        return text[start..<index].drop { $0 == 48 }
    }

    /// A tilde sorts before the end, the end before letters, letters before all else.
    private static func rank(_ byte: UInt8) -> Int {
        switch byte {
        case 126: -1
        case 48...57: 0
        case 65...90, 97...122: Int(byte)
        default: Int(byte) + 256
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
