import Glibc
import Values

/// A number that compares and prints as in Python.
struct PythonNumber {
    private let integer: Int?
    let double: Double

    /// Takes a number or a boolean, which is 0 or 1 in Python.
    init?(_ value: Value) {
        if case .bool(let isTrue) = value {
            self.init(strict: .integer(isTrue ? 1 : 0))
        } else {
            self.init(strict: value)
        }
    }

    /// A number.
    init?(strict value: Value) {
        switch value {
        case .integer(let number):
            integer = number
            double = Double(number)
        case .number(let number):
            integer = nil
            double = number
        default: return nil
        }
    }

    /// Compares two numbers: negative if this one is less, positive if it is greater.
    ///
    /// Exact also between integers and floats, as in Python.
    func order(_ other: PythonNumber) -> Int {
        switch (integer, other.integer) {
        case (let a?, let b?): return a < b ? -1 : a > b ? 1 : 0
        case (let a?, nil): return Self.order(a, other.double)
        case (nil, let b?): return -Self.order(b, double)
        case (nil, nil): return double < other.double ? -1 : double > other.double ? 1 : 0
        }
    }

    private static func order(_ a: Int, _ b: Double) -> Int {
        let whole = b.rounded(.down)
        if whole >= 0x1p63 { return -1 }
        if whole < -0x1p63 { return 1 }
        let floor = Int(whole)
        if a != floor { return a < floor ? -1 : 1 }
        return b > whole ? -1 : 0
    }

    /// Python's `//` and `%` of two numbers that are not both integers.
    static func dividing(_ x: Double, by y: Double) -> (quotient: Double, remainder: Double) {
        var remainder = fmod(x, y)
        var division = (x - remainder) / y
        if remainder != 0 {
            if (y < 0) != (remainder < 0) {
                remainder += y
                division -= 1
            }
        } else {
            remainder = copysign(0, y)
        }
        var quotient = copysign(0, x / y)
        if division != 0 {
            quotient = division.rounded(.down)
            if division - quotient > 0.5 { quotient += 1 }
        }
        return (quotient, remainder)
    }

    /// `repr` of a float: the shortest digits that read back the same, with an exponent below
    /// 1e-4 and from 1e16.
    static func text(_ number: Double) -> String {
        if number == 0 { return number.sign == .minus ? "-0.0" : "0.0" }
        guard number.isFinite else { return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf" }
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        var point = 0
        // Swift prints the same shortest digits, but has other rules for the exponent.
        let printed = Array(number.magnitude.description.utf8)
        var index = 0
        while index < printed.count {
            let byte = printed[index]
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: printed[(index + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
                if !isFraction { point += 1 }
            }
            index += 1
        }
        while digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            point -= 1
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        // The value is 0.DIGITS × 10^scale.
        let scale = point + exponent
        let sign = number < 0 ? "-" : ""
        let all = String(decoding: digits, as: UTF8.self)
        if scale > 16 || scale < -3 {
            let power = scale - 1
            let tail = digits.count > 1 ? "." + all.dropFirst() : ""
            let width = String(power.magnitude)
            return sign + all.prefix(1) + tail + "e" + (power < 0 ? "-" : "+")
                + (width.count < 2 ? "0" : "") + width
        }
        if scale <= 0 { return sign + "0." + String(repeating: "0", count: -scale) + all }
        if digits.count <= scale {
            return sign + all + String(repeating: "0", count: scale - digits.count) + ".0"
        }
        return sign + all.prefix(scale) + "." + all.dropFirst(scale)
    }

    /// What `int` and `float` read from a string.
    enum Parsed {
        case integer(Int)
        case number(Double)
        /// A number in Python that is not accepted here: underscores, non-ASCII digits, infinities,
        /// more than 64 bits.
        case refused
        case none
    }

    static func parse(_ text: String, radix: Int = 10) -> Parsed {
        let stripped = PythonText.strip(text)
        let scalars = Array(stripped.unicodeScalars)
        guard scalars.allSatisfy({ $0.isASCII }) else { return .refused }
        if scalars.contains("_") { return .refused }
        var body = stripped.lowercased()[...]
        let isNegative = body.hasPrefix("-")
        if isNegative || body.hasPrefix("+") { body = body.dropFirst() }
        if ["inf", "infinity", "nan"].contains(String(body)) { return .refused }
        if radix != 10 {
            let prefix = radix == 16 ? "0x" : radix == 8 ? "0o" : "0b"
            var digits = body
            if digits.hasPrefix(prefix) { digits = digits.dropFirst(2) }
            if !digits.isEmpty, digits.first != "+", digits.first != "-",
                digits.unicodeScalars.allSatisfy({
                    Character($0).hexDigitValue.map { $0 < radix } ?? false
                })
            {
                return Int((isNegative ? "-" : "") + digits, radix: radix).map(Parsed.integer)
                    ?? .refused
            }
        }
        if !body.isEmpty, body.unicodeScalars.allSatisfy(PythonText.isDigit) {
            return Int((isNegative ? "-" : "") + body).map(Parsed.integer) ?? .refused
        }
        guard isDecimal(Array(body.utf8)) else { return .none }
        guard let number = Double(String(body)), number.isFinite else { return .refused }
        return .number(isNegative ? -number : number)
    }

    /// Digits with a point or an exponent, as Python's `float` reads them.
    private static func isDecimal(_ bytes: [UInt8]) -> Bool {
        var index = 0
        func digits() -> Int {
            let start = index
            while index < bytes.count, bytes[index] >= 48, bytes[index] <= 57 { index += 1 }
            return index - start
        }
        var count = digits()
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            count += digits()
        }
        guard count > 0 else { return false }
        if index < bytes.count, bytes[index] == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count,
                bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-")
            {
                index += 1
            }
            if digits() == 0 { return false }
        }
        return index == bytes.count
    }
}
