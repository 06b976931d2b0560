/// Text with Python's rules: a sequence of code points, Python's white space.
enum PythonText {
    /// `str.isspace` of one code point, which is also what `\s` matches.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }

    static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || (scalar >= "a" && scalar <= "z") || (scalar >= "A" && scalar <= "Z")
    }

    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        isNameStart(scalar) || isDigit(scalar)
    }

    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Equality by code points; Swift's `==` also treats canonically equivalent texts as equal.
    static func same(_ a: String, _ b: String) -> Bool { a == b && a.utf8.elementsEqual(b.utf8) }

    /// Order by code points, which is the order of the UTF-8 bytes.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }

    /// `str.strip` and its one-sided forms; without a set of characters, white space is removed.
    static func strip(
        _ text: String, characters: String? = nil, leading: Bool = true, trailing: Bool = true
    ) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        func goes(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? isSpace(scalar) }
        var view = text.unicodeScalars[...]
        if leading { view = view.drop(while: goes) }
        if trailing { while let last = view.last, goes(last) { view.removeLast() } }
        return String(view)
    }

    /// Whether one text contains another, by code points.
    static func contains(_ text: String, _ part: String) -> Bool {
        find(part, in: Array(text.utf8), from: 0) != nil
    }

    /// The offset in UTF-8 bytes at which a part begins, searching from an offset.
    static func find(_ part: String, in bytes: [UInt8], from: Int) -> Int? {
        let wanted = Array(part.utf8)
        guard !wanted.isEmpty else { return from <= bytes.count ? from : nil }
        guard bytes.count >= wanted.count else { return nil }
        var start = from
        let last = bytes.count - wanted.count
        while start <= last {
            if bytes[start] == wanted[0] {
                var matched = 1
                while matched < wanted.count, bytes[start + matched] == wanted[matched] {
                    matched += 1
                }
                if matched == wanted.count { return start }
            }
            start += 1
        }
        return nil
    }

    /// The pieces between the occurrences of a separator, which is not empty; at most `limit`
    /// splits.
    static func split(_ text: String, by separator: String, limit: Int? = nil) -> [String] {
        let bytes = Array(text.utf8)
        let width = separator.utf8.count
        var pieces: [String] = []
        var start = 0
        while pieces.count < limit ?? Int.max, let found = find(separator, in: bytes, from: start) {
            pieces.append(String(decoding: bytes[start..<found], as: UTF8.self))
            start = found + width
        }
        pieces.append(String(decoding: bytes[start...], as: UTF8.self))
        return pieces
    }

    /// The words between runs of white space; at most `limit` splits.
    static func words(_ text: String, limit: Int? = nil) -> [String] {
        var words: [String] = []
        var rest = text.unicodeScalars.drop(while: isSpace)
        while !rest.isEmpty {
            if let limit, words.count == limit {
                words.append(strip(String(rest), leading: false))
                break
            }
            let word = rest.prefix { !isSpace($0) }
            words.append(String(word))
            rest = rest[word.endIndex...].drop(while: isSpace)
        }
        return words
    }

    /// `str.splitlines`.
    static func lines(_ text: String) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var wasReturn = false
        var isOpen = false
        for scalar in text.unicodeScalars {
            if wasReturn, scalar == "\n" {
                wasReturn = false
                continue
            }
            wasReturn = scalar == "\r"
            switch scalar.value {
            case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029:
                lines.append(String(line))
                line = String.UnicodeScalarView()
                isOpen = false
            default:
                line.append(scalar)
                isOpen = true
            }
        }
        if isOpen { lines.append(String(line)) }
        return lines
    }

    /// The text in upper or lower case as in Python; nil if it has letters for which the Unicode
    /// tables of Python and Swift may differ.
    static func cased(_ text: String, upper: Bool) -> String? {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard let mapped = cased(scalar, upper: upper) else { return nil }
            result.append(contentsOf: mapped)
        }
        return String(result)
    }

    /// One code point in upper or lower case; nil under the same condition.
    static func cased(_ scalar: Unicode.Scalar, upper: Bool) -> String.UnicodeScalarView? {
        let properties = scalar.properties
        if scalar.value >= 0x80 {
            // The lower case of capital sigma depends on its neighbours; letters with case beyond
            // Cyrillic are rare, and their Unicode entries are recent.
            if scalar.value == 0x3A3 { return nil }
            if properties.isCased || properties.changesWhenCaseMapped {
                guard scalar.value < 0x530 else { return nil }
            }
        }
        return (upper ? properties.uppercaseMapping : properties.lowercaseMapping).unicodeScalars
    }
}
