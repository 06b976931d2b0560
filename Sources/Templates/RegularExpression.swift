/// A regular expression of Python's `re`, limited to constructs that behave identically here.
///
/// Accepted: literals, `.`, sets, `\d \w \s` and their opposites, `^ $ \A \Z \b \B`, groups with
/// and without a number or a name, alternatives, greedy and lazy repetition, back references,
/// lookahead, `(?i) (?m) (?s)` at the beginning. Refused: lookbehind, possessive repetition,
/// conditionals, repetition of what may be empty.
struct RegularExpression {
    /// Why a pattern is not accepted, or a match is not attempted further.
    struct Refusal: Error {
        let reason: String
        let hint: String?

        init(_ reason: String, hint: String? = nil) {
            self.reason = reason
            self.hint = hint
        }
    }

    struct Flags {
        var ignoresCase = false
        var isMultiline = false
        /// Whether `.` matches a newline.
        var dotIsAll = false
    }

    indirect enum Node {
        case scalar(Unicode.Scalar)
        case any
        case set([SetItem], isNegated: Bool)
        case sequence([Node])
        case alternatives([Node])
        case group(Int?, Node)
        case repeated(Node, least: Int, most: Int, isLazy: Bool)
        case reference(Int)
        case lineStart, lineEnd, textStart, textEnd
        case boundary(isNegated: Bool)
        case lookahead(Node, isNegated: Bool)
    }

    enum SetItem {
        case range(Unicode.Scalar, Unicode.Scalar)
        case digit(Bool)
        case word(Bool)
        case space(Bool)
    }

    let root: Node
    let flags: Flags
    let groupCount: Int
    let groupNames: [String: Int]

    init(_ pattern: String, flags: Flags = Flags()) throws(Refusal) {
        var parser = RegularExpressionParser(Array(pattern.unicodeScalars), flags)
        root = try parser.parse()
        self.flags = parser.flags
        groupCount = parser.groupCount
        groupNames = parser.groupNames
    }

    /// A match: the range of the whole and of each group, in code points; nil for a group that did
    /// not take part.
    struct Match {
        let groups: [Range<Int>?]
        var whole: Range<Int> { groups[0] ?? 0..<0 }
    }

    /// The first match at or after a position.
    func search(_ text: [Unicode.Scalar], from: Int = 0, mustAdvance: Bool = false) throws(Refusal)
        -> Match?
    {
        let matcher = RegularExpressionMatcher(self, text)
        for start in from...max(from, text.count) {
            if let match = try matcher.match(at: start, mustAdvance: mustAdvance && start == from) {
                return match
            }
        }
        return nil
    }

    /// A match at the beginning of the text.
    func matchAtStart(_ text: [Unicode.Scalar]) throws(Refusal) -> Match? {
        let matcher = RegularExpressionMatcher(self, text)
        return try matcher.match(at: 0, mustAdvance: false)
    }

    /// All matches that do not overlap; empty matches follow Python's rule.
    func all(_ text: [Unicode.Scalar], limit: Int = .max) throws(Refusal) -> [Match] {
        var matches: [Match] = []
        var from = 0
        var mustAdvance = false
        let matcher = RegularExpressionMatcher(self, text)
        while from <= text.count, matches.count < limit {
            var found: Match?
            for start in from...text.count {
                found = try matcher.match(at: start, mustAdvance: mustAdvance && start == from)
                if found != nil { break }
            }
            guard let found else { break }
            matches.append(found)
            from = found.whole.upperBound
            mustAdvance = found.whole.isEmpty
        }
        return matches
    }

    /// The text with the matches replaced, and the number of matches.
    func replace(
        _ text: [Unicode.Scalar], with replacement: String, limit: Int
    ) throws(Refusal) -> (text: String, count: Int) {
        let pieces = try RegularExpressionReplacement(replacement, self).pieces
        let matches = try all(text, limit: limit)
        var result = String.UnicodeScalarView()
        var position = 0
        for match in matches {
            result.append(contentsOf: text[position..<match.whole.lowerBound])
            for piece in pieces {
                switch piece {
                case .text(let text): result.append(contentsOf: text)
                case .group(let number):
                    if let range = match.groups[number] { result.append(contentsOf: text[range]) }
                }
            }
            position = match.whole.upperBound
        }
        result.append(contentsOf: text[position...])
        return (String(result), matches.count)
    }

    /// `re.escape`.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".unicodeScalars.contains(scalar) {
                result.append("\\")
            }
            result.append(scalar)
        }
        return String(result)
    }
}

/// The second argument of `regex_replace`.
struct RegularExpressionReplacement {
    enum Piece {
        case text(String.UnicodeScalarView)
        case group(Int)
    }

    let pieces: [Piece]

    init(_ text: String, _ expression: RegularExpression) throws(RegularExpression.Refusal) {
        let scalars = Array(text.unicodeScalars)
        var pieces: [Piece] = []
        var literal = String.UnicodeScalarView()
        var index = 0
        func group(_ number: Int) throws(RegularExpression.Refusal) {
            guard number <= expression.groupCount else {
                throw .init("the replacement names group \(number), which the pattern lacks")
            }
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = String.UnicodeScalarView()
            pieces.append(.group(number))
        }
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            guard scalar == "\\" else {
                literal.append(scalar)
                continue
            }
            guard index < scalars.count else { throw .init("the replacement ends in a backslash") }
            let next = scalars[index]
            index += 1
            switch next {
            case "\\": literal.append("\\")
            case "n": literal.append("\n")
            case "t": literal.append("\t")
            case "r": literal.append("\r")
            case "0": throw .init("an octal escape in the replacement")
            case "1"..."9":
                var number = Int(next.value - 48)
                if index < scalars.count, PythonText.isDigit(scalars[index]) {
                    number = number * 10 + Int(scalars[index].value - 48)
                    index += 1
                    if index < scalars.count, PythonText.isDigit(scalars[index]) {
                        throw .init("a group of three digits", hint: "write \\g<1> and the digits")
                    }
                }
                try group(number)
            case "g":
                guard index < scalars.count, scalars[index] == "<",
                    let close = scalars[index...].firstIndex(of: ">")
                else { throw .init("\\g without <…> in the replacement") }
                let name = PythonText.string(scalars[(index + 1)..<close])
                index = close + 1
                let isNumber = !name.isEmpty && name.unicodeScalars.allSatisfy(PythonText.isDigit)
                guard let number = isNumber ? Int(name) : expression.groupNames[name] else {
                    throw .init("the replacement names a group that the pattern has not")
                }
                try group(number)
            default:
                if next.properties.isAlphabetic, next.isASCII {
                    throw .init("\"\\\(next)\" in the replacement has no meaning")
                }
                literal.append("\\")
                literal.append(next)
            }
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }
}
