import Wire

/// Strict readers for scalar types: nothing is guessed, and a fault says what to write instead.
enum ScalarText {
    /// A value for a message: quoted, and shortened if it is long.
    static func shown(_ text: String) -> String {
        let first = text.prefix(60)
        return "\"\(first)\(first.count < text.count ? "…" : "")\""
    }

    static func shown(_ json: JSON) -> String {
        switch json {
        case .null: "null"
        case .bool(let value): "the boolean \(value)"
        case .integer(let value): "the number \(value)"
        case .number(let value): "the number \(value)"
        case .string(let text): shown(text)
        case .array: "a list"
        case .object: "a map"
        }
    }

    static func integer(_ text: String, minimum: Int?, maximum: Int?) throws(ValueFault) -> Int {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard isDigits(digits) else {
            throw ValueFault("\(shown(text)) is not an integer", hint: integerHint(text))
        }
        if digits.count > 1 && digits.hasPrefix("0") {
            throw ValueFault(
                "\(shown(text)) is not an integer",
                hint: "YAML reads a leading 0 as octal; write \(withoutZeros(digits)), "
                    + "or declare a string or a mode")
        }
        guard let value = Int(text) else { throw ValueFault("\(shown(text)) exceeds 64 bits") }
        if let minimum, value < minimum {
            throw ValueFault("\(value) is too small: the minimum is \(minimum)")
        }
        if let maximum, value > maximum {
            throw ValueFault("\(value) is too large: the maximum is \(maximum)")
        }
        return value
    }

    private static func integerHint(_ text: String) -> String? {
        let plain = text.filter { $0 != "_" }
        if plain != text && isDigits(plain[...]) { return "write \(plain)" }
        if text.hasPrefix("+") && isDigits(text.dropFirst()) { return "write \(text.dropFirst())" }
        let lowered = text.lowercased()
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where lowered.hasPrefix(prefix) {
            return Int(lowered.dropFirst(2), radix: radix).map { "write it in decimal: \($0)" }
        }
        return nil
    }

    static func number(_ text: String) throws(ValueFault) -> JSON {
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let allowed = unsigned.utf8.allSatisfy {
            (48...57).contains($0) || [0x2E, 0x45, 0x65, 0x2B, 0x2D].contains($0)
        }
        guard allowed, let first = unsigned.utf8.first, (48...57).contains(first),
            let value = Double(text), value.isFinite
        else { throw ValueFault("\(shown(text)) is not a number", hint: integerHint(text)) }
        if unsigned.count > 1, unsigned.hasPrefix("0"), isDigits(unsigned) {
            throw ValueFault(
                "\(shown(text)) is not a number",
                hint: "YAML reads a leading 0 as octal; write \(withoutZeros(unsigned))")
        }
        // 2, 2.0 and 2e0 have the same normal form.
        if let whole = Int(exactly: value), abs(whole) <= 1 << 53 { return .integer(whole) }
        return .number(value)
    }

    static func boolean(_ text: String, isQuoted: Bool) throws(ValueFault) -> Bool {
        if !isQuoted {
            if text == "true" { return true }
            if text == "false" { return false }
        }
        let hint: String? =
            switch text.lowercased() {
            case "yes", "on", "true", "1", "y": "write true, without quotes"
            case "no", "off", "false", "0", "n": "write false, without quotes"
            default: "write true or false"
            }
        throw ValueFault("\(shown(text)) is not a boolean", hint: hint)
    }

    /// Reads a size in bytes.
    ///
    /// K, M, G and T are powers of 1024 like KiB, MiB, GiB and TiB, as in the kernel and systemd.
    /// KB, MB, GB and TB are refused, because they can mean either 1000 or 1024.
    static func size(_ text: String) throws(ValueFault) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        let units: [String: Int] = [
            "": 0, "K": 10, "M": 20, "G": 30, "T": 40, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40,
        ]
        guard !digits.isEmpty, let shift = units[String(unit)] else {
            throw ValueFault("\(shown(text)) is not a size", hint: sizeHint(digits, String(unit)))
        }
        guard let count = Int(digits),
            case let (bytes, overflow) = count.multipliedReportingOverflow(
                by: 1 << shift), !overflow
        else { throw ValueFault("\(shown(text)) exceeds 64 bits") }
        return bytes
    }

    private static func sizeHint(_ digits: Substring, _ unit: String) -> String {
        let general =
            "write bytes, or a whole number with K, M, G, T or KiB, MiB, GiB, TiB (powers of 1024)"
        guard !digits.isEmpty, let letter = unit.uppercased().first, "KMGT".contains(letter) else {
            return general
        }
        switch unit.uppercased() {
        case "KB", "MB", "GB", "TB":
            return "\(unit) is ambiguous (1000 or 1024): write \(digits)\(letter)iB, or bytes"
        case "\(letter)", "\(letter)IB": return "write \(digits)\(letter)iB"
        default: return general
        }
    }

    /// Reads a duration as seconds.
    ///
    /// A plain number is in seconds; several parts are added: `1h30m`.
    static func duration(_ text: String) throws(ValueFault) -> JSON {
        let units: [(name: String, nanoseconds: Double)] = [
            ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
            ("d", 86400e9),
        ]
        let fault = ValueFault(
            "\(shown(text)) is not a duration",
            hint: "write a number and ns, us, ms, s, m, h or d: 250ms, 30s, 1h30m")
        var rest = text[...]
        var total = 0.0
        var isFirst = true
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let first = digits.first, first != ".", digits.last != ".",
                let count = Double(digits)
            else { throw fault }
            if unit.isEmpty && isFirst && rest.isEmpty {
                total = count * 1e9
            } else if let known = units.first(where: { $0.name == unit }) {
                total += count * known.nanoseconds
            } else {
                throw fault
            }
            isFirst = false
        }
        if isFirst { throw fault }
        let nanoseconds = total.rounded()
        guard nanoseconds <= 1e18 else {
            throw ValueFault("\(shown(text)) is too long", hint: "the maximum is about 30 years")
        }
        let whole = Int(nanoseconds)
        return whole % 1_000_000_000 == 0
            ? .integer(whole / 1_000_000_000) : .number(Double(whole) / 1_000_000_000)
    }

    static func path(_ text: String) throws(ValueFault) -> String {
        guard text.hasPrefix("/") else {
            let hint =
                text.hasPrefix("~")
                ? "~ is not expanded: write the full home directory" : "begin the path with /"
            throw ValueFault("\(shown(text)) is not an absolute path", hint: hint)
        }
        if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
            throw ValueFault("\(shown(text)) has a control character, not allowed in a path")
        }
        let parts = text.split(separator: "/").filter { $0 != "." }
        if parts.contains("..") {
            throw ValueFault("\(shown(text)) contains ..", hint: "write the path without ..")
        }
        if text.utf8.count > 4095 || parts.contains(where: { $0.utf8.count > 255 }) {
            throw ValueFault("\(shown(text)) is too long for a path")
        }
        return "/" + parts.joined(separator: "/")
    }

    static func mode(_ text: String, isQuoted: Bool) throws(ValueFault) -> String {
        let isOctal = text.utf8.allSatisfy { (48...55).contains($0) }
        guard isQuoted else {
            let digits = text.lowercased().hasPrefix("0o") ? text.dropFirst(2) : text[...]
            let octal = digits.utf8.allSatisfy { (48...55).contains($0) } && !digits.isEmpty
            throw ValueFault(
                octal ? "the mode \(text) is not quoted" : "\(shown(text)) is not a mode",
                hint: octal
                    ? "write \"\(padded(digits))\": unquoted, YAML may read it as octal or decimal"
                    : "write permission bits as quoted octal: \"0644\"")
        }
        guard isOctal, (3...4).contains(text.count) else {
            let digits = text.lowercased().hasPrefix("0o") ? text.dropFirst(2) : ""
            throw ValueFault(
                "\(shown(text)) is not a mode",
                hint: (3...4).contains(digits.count)
                    ? "write \"\(padded(digits))\""
                    : "write permission bits as three or four octal digits: \"0644\"")
        }
        return padded(text[...])
    }

    static func version(_ text: String) throws(ValueFault) -> String {
        if text.isEmpty || text.contains(where: { $0.isWhitespace || $0.isNewline }) {
            throw ValueFault(
                "\(shown(text)) is not a version", hint: "a version has no white space")
        }
        return text
    }

    private static func padded(_ digits: Substring) -> String {
        String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }

    private static func withoutZeros(_ digits: Substring) -> String {
        let rest = digits.drop { $0 == "0" }
        return rest.isEmpty ? "0" : String(rest)
    }
}
