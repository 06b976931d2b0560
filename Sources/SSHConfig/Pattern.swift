/// Patterns as OpenSSH reads them (ssh_config(5), PATTERNS).
enum Pattern {
    /// Whether a text matches a pattern of `*` and `?`.
    static func matches(_ text: String, _ pattern: some StringProtocol) -> Bool {
        let text = Array(text.utf8)
        let pattern = Array(pattern.utf8)
        var t = 0
        var p = 0
        // The last star: each time the part after it fails, that part is tried one character
        // further.
        var star: (text: Int, pattern: Int)?
        while true {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                p += 1
                star = (t, p)
            } else if t < text.count, p < pattern.count,
                pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t]
            {
                t += 1
                p += 1
            } else if t == text.count, p == pattern.count {
                return true
            } else if let last = star, last.text < text.count {
                t = last.text + 1
                p = last.pattern
                star = (t, p)
            } else {
                return false
            }
        }
    }

    /// Whether a text matches a list of patterns and none of the negated ones.
    static func matches(_ text: String, anyOf patterns: [Substring]) -> Bool {
        var found = false
        for pattern in patterns {
            if pattern.hasPrefix("!") {
                if matches(text, pattern.dropFirst()) { return false }
            } else if matches(text, pattern) {
                found = true
            }
        }
        return found
    }
}
