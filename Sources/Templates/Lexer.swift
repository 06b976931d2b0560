/// Reads the tokens of one expression or tag, according to Jinja2's rules.
struct Lexer {
    let text: [Unicode.Scalar]
    var position: Int

    /// The delimiter that ends the tag.
    enum Ending { case output, tag, endOfText }

    /// The open brackets: a closing delimiter counts only outside them.
    private var open: [(symbol: Unicode.Scalar, at: Int)] = []

    init(_ text: [Unicode.Scalar], from position: Int) {
        self.text = text
        self.position = position
    }

    /// Reads up to and including the closing delimiter and the white space that it trims.
    mutating func tokens(until ending: Ending, openedAt start: Int) throws(SyntaxFault)
        -> [Token]
    {
        var tokens: [Token] = []
        try read(&tokens, until: ending, openedAt: start)
        return tokens
    }

    /// The same, but keeps the tokens before a fault in `tokens`.
    mutating func read(
        _ tokens: inout [Token], until ending: Ending, openedAt start: Int
    ) throws(SyntaxFault) {
        while true {
            while position < text.count, PythonText.isSpace(text[position]) { position += 1 }
            if open.isEmpty, closes(ending) { return }
            guard position < text.count else {
                if ending == .endOfText, let bracket = open.last {
                    throw SyntaxFault(
                        "this \"\(bracket.symbol)\" is not closed", bracket.at, bracket.at + 1)
                }
                let delimiter = ending == .output ? "{{" : "{%"
                let close = ending == .output ? "}}" : "%}"
                throw SyntaxFault(
                    "this \"\(delimiter)\" is not closed", start, start + 2,
                    hint: "end it with \"\(close)\"")
            }
            tokens.append(try next())
        }
    }

    private func at(_ offset: Int) -> Unicode.Scalar? {
        position + offset < text.count ? text[position + offset] : nil
    }

    /// Consumes the closing delimiter if it is next.
    private mutating func closes(_ ending: Ending) -> Bool {
        switch ending {
        case .endOfText: return position >= text.count
        case .output:
            if at(0) == "}", at(1) == "}" {
                position += 2
                return true
            }
            if at(0) == "-", at(1) == "}", at(2) == "}" {
                position += 3
                skipSpace()
                return true
            }
            return false
        case .tag:
            if at(0) == "%", at(1) == "}" {
                position += 2
                // trim_blocks
                if at(0) == "\n" { position += 1 }
                return true
            }
            guard at(0) == "-" || at(0) == "+", at(1) == "%", at(2) == "}" else { return false }
            let trims = at(0) == "-"
            position += 3
            if trims { skipSpace() }
            return true
        }
    }

    private mutating func skipSpace() {
        while let scalar = at(0), PythonText.isSpace(scalar) { position += 1 }
    }

    private mutating func next() throws(SyntaxFault) -> Token {
        let start = position
        let scalar = text[position]
        if PythonText.isDigit(scalar) { return try number() }
        if PythonText.isNameStart(scalar) {
            while let scalar = at(0), PythonText.isNamePart(scalar) { position += 1 }
            let name = PythonText.string(text[start..<position])
            if let scalar = at(0), scalar.value >= 0x80, scalar.properties.isXIDContinue {
                throw SyntaxFault(
                    "a name of other than ASCII letters", position, position + 1,
                    hint: "read it as a member instead: vars['…']")
            }
            return Token(kind: .name(name), start: start, end: position)
        }
        if scalar == "'" || scalar == "\"" { return try string(quote: scalar) }
        return try symbol()
    }

    private mutating func symbol() throws(SyntaxFault) -> Token {
        let start = position
        let scalar = text[position]
        for pair in ["**", "//", "==", "!=", ">=", "<="] {
            let two = Array(pair.unicodeScalars)
            if scalar == two[0], at(1) == two[1] {
                position += 2
                return Token(kind: .symbol(pair), start: start, end: position)
            }
        }
        guard "+-/*%~[](){}><=.:|,;".unicodeScalars.contains(scalar) else {
            throw SyntaxFault(
                "\"\(scalar)\" has no meaning here", start, start + 1,
                hint: Self.hint(for: scalar))
        }
        switch scalar {
        case "(", "[", "{": open.append((scalar, start))
        case ")", "]", "}":
            let opening: Unicode.Scalar = scalar == ")" ? "(" : scalar == "]" ? "[" : "{"
            guard let last = open.popLast() else {
                throw SyntaxFault("this \"\(scalar)\" has no opening bracket", start, start + 1)
            }
            if last.symbol != opening {
                throw SyntaxFault(
                    "this \"\(scalar)\" does not close \"\(last.symbol)\"", start, start + 1)
            }
        default: break
        }
        position += 1
        return Token(kind: .symbol(String(scalar)), start: start, end: position)
    }

    private static func hint(for scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "!": "write \"not x\" or \"!=\""
        case "&": "write \"and\""
        case "$", "@": "write the name alone: {{ name }}"
        default: nil
        }
    }

    /// A number.
    ///
    /// Integers are bounded to 64 bits.
    private mutating func number() throws(SyntaxFault) -> Token {
        let start = position
        if at(0) == "0", let letter = at(1), let radix = Self.radix(letter) {
            position += 2
            let digits = self.digits(radix: radix, leadingUnderscore: true)
            guard !digits.isEmpty else {
                throw SyntaxFault("a number without digits", start, position)
            }
            return try integer(digits, radix: radix, start)
        }
        let afterDot = start > 0 && text[start - 1] == "."
        let whole = digits(radix: 10, leadingUnderscore: false)
        let afterWhole = position
        if !afterDot {
            var text = whole
            var isFloat = false
            if at(0) == ".", let digit = at(1), PythonText.isDigit(digit) {
                position += 1
                text += "." + digits(radix: 10, leadingUnderscore: false)
                isFloat = true
            }
            let mark = position
            if at(0) == "e" || at(0) == "E" {
                var ahead = 1
                if at(1) == "+" || at(1) == "-" { ahead = 2 }
                if let digit = at(ahead), PythonText.isDigit(digit) {
                    let sign = at(1) == "-" ? "-" : ""
                    position += ahead
                    text += "e" + sign + digits(radix: 10, leadingUnderscore: false)
                    isFloat = true
                } else {
                    position = mark
                }
            }
            if isFloat {
                guard let value = Double(text), value.isFinite else {
                    throw SyntaxFault("a number out of range", start, position)
                }
                return Token(kind: .float(value), start: start, end: position)
            }
        }
        position = afterWhole
        if whole.count > 1, whole.first == "0", whole.contains(where: { $0 != "0" }) {
            throw SyntaxFault(
                "a number with a leading zero", start, position,
                hint: "an octal number is written 0o644; a mode is a quoted string")
        }
        return try integer(whole, radix: 10, start)
    }

    private func integer(_ digits: String, radix: Int, _ start: Int) throws(SyntaxFault) -> Token {
        guard let value = Int(digits, radix: radix) else {
            throw SyntaxFault(
                "a number of more than 64 bits", start, position,
                hint: "integers go up to 9223372036854775807")
        }
        return Token(kind: .integer(value), start: start, end: position)
    }

    private static func radix(_ letter: Unicode.Scalar) -> Int? {
        switch letter {
        case "x", "X": 16
        case "o", "O": 8
        case "b", "B": 2
        default: nil
        }
    }

    /// Digits with single underscores between them; returns them without the underscores.
    private mutating func digits(radix: Int, leadingUnderscore: Bool) -> String {
        var digits = ""
        func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
            guard let scalar, scalar.isASCII else { return false }
            return Character(scalar).hexDigitValue.map { $0 < radix } ?? false
        }
        while let scalar = at(0) {
            if isDigit(scalar) {
                digits.unicodeScalars.append(scalar)
                position += 1
            } else if scalar == "_", isDigit(at(1)), leadingUnderscore || !digits.isEmpty {
                position += 1
            } else {
                break
            }
        }
        return digits
    }

    private mutating func string(quote: Unicode.Scalar) throws(SyntaxFault) -> Token {
        let start = position
        position += 1
        var result = String.UnicodeScalarView()
        while let scalar = at(0) {
            position += 1
            if scalar == quote {
                return Token(kind: .string(String(result)), start: start, end: position)
            }
            if scalar == "\\" {
                try escape(&result)
            } else {
                result.append(scalar)
            }
        }
        position = start
        throw SyntaxFault("this string is not closed", start, start + 1)
    }

    /// An escape, after its backslash.
    ///
    /// An escape that Python does not know keeps its backslash.
    private mutating func escape(_ result: inout String.UnicodeScalarView) throws(SyntaxFault) {
        let start = position - 1
        guard let scalar = at(0) else { return }
        position += 1
        switch scalar {
        case "n": result.append("\n")
        case "t": result.append("\t")
        case "r": result.append("\r")
        case "\\", "'", "\"": result.append(scalar)
        case "\n": break
        case "x": try hexadecimal(2, start, &result)
        case "u": try hexadecimal(4, start, &result)
        case "U": try hexadecimal(8, start, &result)
        case "0"..."7", "a", "b", "f", "v", "N":
            throw SyntaxFault(
                "\"\\\(scalar)\" in a string is a control character or a name to Python",
                start, position,
                hint: "write \"\\\\\(scalar)\" for a backslash and what follows, as in a regular "
                    + "expression; or the character as \\x…")
        default:
            result.append("\\")
            result.append(scalar)
        }
    }

    private mutating func hexadecimal(
        _ count: Int, _ start: Int, _ result: inout String.UnicodeScalarView
    ) throws(SyntaxFault) {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let scalar = at(0), scalar.isASCII, let digit = Character(scalar).hexDigitValue
            else {
                throw SyntaxFault("an escape of fewer than \(count) digits", start, position)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw SyntaxFault("an escape that is no character", start, position)
        }
        result.append(scalar)
    }
}
