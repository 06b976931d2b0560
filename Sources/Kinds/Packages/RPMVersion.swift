/// Versions of RPM packages, `[EPOCH:]VERSION[-RELEASE]`, ordered as rpm-version(7) orders them.
package enum RPMVersion {
    /// Returns a negative number if `left` is older, 0 if both are equal, a positive one if newer.
    ///
    /// If one of them has no release, releases are not compared.
    package static func compare(_ left: String, _ right: String) -> Int {
        let left = parts(left)
        let right = parts(right)
        if left.epoch != right.epoch { return left.epoch < right.epoch ? -1 : 1 }
        let version = compareText(left.version, right.version)
        guard version == 0, let ours = left.release, let theirs = right.release else {
            return version
        }
        return compareText(ours, theirs)
    }

    private static func parts(
        _ text: String
    ) -> (epoch: Int, version: [UInt8], release: [UInt8]?) {
        var bytes = Array(text.utf8)[...]
        var epoch = 0
        if let colon = bytes.firstIndex(of: 58) {
            epoch = Int(String(decoding: bytes[..<colon], as: UTF8.self)) ?? 0
            bytes = bytes[(colon + 1)...]
        }
        guard let dash = bytes.lastIndex(of: 45) else { return (epoch, Array(bytes), nil) }
        return (epoch, Array(bytes[..<dash]), Array(bytes[(dash + 1)...]))
    }

    /// Compares runs of digits or letters one by one; other characters only separate the runs.
    ///
    /// `~` sorts before everything, even the end; `^` sorts after the end but before all else.
    package static func compareText(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left == right { return 0 }
        var i = 0
        var j = 0
        func byte(_ text: [UInt8], _ index: Int) -> UInt8? {
            index < text.count ? text[index] : nil
        }
        while i < left.count || j < right.count {
            while let a = byte(left, i), !counts(a) { i += 1 }
            while let b = byte(right, j), !counts(b) { j += 1 }
            let a = byte(left, i)
            let b = byte(right, j)
            if a == tilde || b == tilde {
                if a != tilde { return 1 }
                if b != tilde { return -1 }
                i += 1
                j += 1
                continue
            }
            if a == caret || b == caret {
                guard let a else { return -1 }
                guard let b else { return 1 }
                if a != caret { return 1 }
                if b != caret { return -1 }
                i += 1
                j += 1
                continue
            }
            guard let a, b != nil else { break }
            let isNumber = isDigit(a)
            let ours = run(left, &i, ofDigits: isNumber)
            let theirs = run(right, &j, ofDigits: isNumber)
            // A number is newer than letters.
            if theirs.isEmpty { return isNumber ? 1 : -1 }
            if isNumber {
                let ours = ours.drop { $0 == 48 }
                let theirs = theirs.drop { $0 == 48 }
                if ours.count != theirs.count { return ours.count - theirs.count }
                if ours != theirs { return ours.lexicographicallyPrecedes(theirs) ? -1 : 1 }
            } else if ours != theirs {
                return ours.lexicographicallyPrecedes(theirs) ? -1 : 1
            }
        }
        // The version that has characters left is newer.
        if i >= left.count, j >= right.count { return 0 }
        return i < left.count ? 1 : -1
    }

    private static let tilde: UInt8 = 126
    private static let caret: UInt8 = 94

    private static func run(
        _ text: [UInt8], _ index: inout Int, ofDigits: Bool
    ) -> ArraySlice<UInt8> {
        let start = index
        while index < text.count, ofDigits ? isDigit(text[index]) : isLetter(text[index]) {
            index += 1
        }
        return text[start..<index]
    }

    private static func counts(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte) || byte == tilde || byte == caret
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }
}
