import Values

/// The YAML 1.1 reading of plain scalars, by the same patterns as PyYAML's safe loader.
enum ScalarReading {
    /// The value of a plain scalar without a tag; nil for an integer of more than 64 bits.
    static func of(plain text: String) -> Value? {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "t"), UInt8(ascii: "T"),
            UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"), UInt8(ascii: "O"),
            UInt8(ascii: "n"), UInt8(ascii: "N"):
            return word(text) ?? .string(text)
        case UInt8(ascii: "~"):
            return text == "~" ? .null : .string(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            var text = text
            return text.withUTF8 { bytes in
                if let number = float(bytes) { return .number(number) }
                switch integer(bytes) {
                case .value(let value): return .integer(value)
                case .outOfRange: return nil
                case .no: break
                }
                if let instant = Timestamp(bytes) { return .string(instant.isoText) }
                return .string(String(decoding: bytes, as: UTF8.self))
            }
        default:
            return .string(text)
        }
    }

    /// Booleans and null, in the spellings of YAML 1.1 (not `y` and `n`, as PyYAML).
    static func word(_ text: String) -> Value? {
        switch text {
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": .bool(true)
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": .bool(false)
        case "null", "Null", "NULL", "~", "": .null
        default: nil
        }
    }

    enum IntegerReading { case no, outOfRange, value(Int) }

    /// Decimal, `0b`, `0x`, octal with a leading 0, and base 60 (`1:30`); `_` between digits.
    static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> IntegerReading {
        var rest = bytes[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard let first = rest.first, isDigit(first) else { return .no }
        if first == UInt8(ascii: "0"), rest.count > 1 {
            switch rest[rest.startIndex + 1] {
            case UInt8(ascii: "b"): return digits(rest.dropFirst(2), base: 2, isNegative)
            case UInt8(ascii: "x"): return digits(rest.dropFirst(2), base: 16, isNegative)
            default: return digits(rest, base: 8, isNegative)
            }
        }
        if first != UInt8(ascii: "0"), rest.contains(UInt8(ascii: ":")) {
            return sexagesimal(rest, isNegative)
        }
        return digits(rest, base: 10, isNegative)
    }

    private static func digits(
        _ bytes: Slice<UnsafeBufferPointer<UInt8>>, base: Int, _ isNegative: Bool
    ) -> IntegerReading {
        var value = 0
        var overflow = false
        var seen = false
        for byte in bytes where byte != UInt8(ascii: "_") {
            guard let digit = hexadecimalDigit(byte), digit < base else { return .no }
            seen = true
            accumulate(&value, times: base, plus: digit, isNegative, &overflow)
        }
        return seen ? (overflow ? .outOfRange : .value(value)) : .no
    }

    /// Base 60, as in `1:30`: the pattern `[1-9][0-9_]*(:[0-5]?[0-9])+`.
    private static func sexagesimal(
        _ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ isNegative: Bool
    ) -> IntegerReading {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard case .value(let head) = digits(parts[0], base: 10, isNegative) else {
            return parts[0].allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") })
                ? .outOfRange : .no
        }
        var value = head
        var overflow = false
        for part in parts.dropFirst() {
            guard let digit = base60Digit(part) else { return .no }
            accumulate(&value, times: 60, plus: digit, isNegative, &overflow)
        }
        return overflow ? .outOfRange : .value(value)
    }

    private static func accumulate(
        _ value: inout Int, times base: Int, plus digit: Int, _ isNegative: Bool,
        _ overflow: inout Bool
    ) {
        let product = value.multipliedReportingOverflow(by: base)
        let sum = product.partialValue.addingReportingOverflow(isNegative ? -digit : digit)
        overflow = overflow || product.overflow || sum.overflow
        value = sum.partialValue
    }

    /// A number with a point, an infinity, not-a-number, or base 60 with a point.
    static func float(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        guard bytes.contains(UInt8(ascii: ".")) else { return nil }
        switch String(decoding: bytes, as: UTF8.self) {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
        case "-.inf", "-.Inf", "-.INF": return -.infinity
        case ".nan", ".NaN", ".NAN": return .nan
        default: break
        }
        var cursor = ByteCursor(bytes)
        let sign = cursor.take(UInt8(ascii: "-")) ? -1.0 : 1.0
        let isSigned = sign < 0 || cursor.take(UInt8(ascii: "+"))
        let whole = cursor.takeDigits()
        // `.5` is a number; `-.5` and `_.5` are not.
        if whole.isEmpty, isSigned { return nil }
        if whole.first == UInt8(ascii: "_") { return nil }
        var head = 0.0
        var last = whole
        while !whole.isEmpty, cursor.take(UInt8(ascii: ":")) {
            head = (head + (number(last) ?? 0)) * 60
            last = cursor.takeDigits()
            guard base60Digit(last) != nil else { return nil }
        }
        let isBase60 = last.startIndex != whole.startIndex
        guard cursor.take(UInt8(ascii: ".")) else { return nil }
        let fraction = cursor.takeDigits()
        if whole.isEmpty, !(fraction.first.map(isDigit) ?? false) { return nil }
        let exponent = isBase60 ? "" : cursor.takeExponent()
        guard cursor.isAtEnd, let exponent else { return nil }
        let text = plainText(last) + "." + plainText(fraction) + "0" + exponent
        return Double(text.hasPrefix(".") ? "0" + text : text).map { sign * (head + $0) }
    }

    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Double? {
        Double(plainText(digits))
    }

    private static func plainText(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        String(decoding: digits.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    }

    /// A digit of base 60: the pattern `[0-5]?[0-9]`.
    private static func base60Digit(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        guard (1...2).contains(bytes.count), bytes.allSatisfy(isDigit) else { return nil }
        let value = bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return value < 60 ? value : nil
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

/// Walks over the bytes of a scalar.
struct ByteCursor {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    /// Digits and underscores.
    mutating func takeDigits() -> Slice<UnsafeBufferPointer<UInt8>> {
        let start = position
        while let byte = next, ScalarReading.isDigit(byte) || byte == UInt8(ascii: "_") {
            position += 1
        }
        return bytes[start..<position]
    }

    /// Between `least` and `most` digits as a number, or nil.
    mutating func takeNumber(_ least: Int, _ most: Int) -> Int? {
        var value = 0
        var count = 0
        while count < most, let byte = next, ScalarReading.isDigit(byte) {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            count += 1
            position += 1
        }
        return count >= least ? value : nil
    }

    mutating func skipBlanks() -> Bool {
        let start = position
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { position += 1 }
        return position > start
    }

    /// `[eE][-+][0-9]+`; empty if there is no exponent, nil if it is malformed.
    mutating func takeExponent() -> String? {
        guard let byte = next, byte | 32 == UInt8(ascii: "e") else { return "" }
        let start = position
        position += 1
        guard take(UInt8(ascii: "+")) || take(UInt8(ascii: "-")) else { return nil }
        let digits = position
        while let byte = next, ScalarReading.isDigit(byte) { position += 1 }
        if position == digits { return nil }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }
}
