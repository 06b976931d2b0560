import Values
import Wire

/// Reads Python literals as `ast.literal_eval` does, which Ansible applies to INI values.
struct PythonLiteral {
    enum Reading: Equatable {
        case value(Value)
        /// A string or bytes literal: its content.
        case text(String)
        case integerOutOfRange
        /// Not a literal: the value is the text itself.
        case none
    }

    /// The reading of a value of an INI inventory.
    static func read(_ text: String) -> Reading {
        var parser = PythonLiteral(text)
        do {
            let item = try parser.document()
            switch item {
            case .string(let text): return .text(text)
            default: return item.value.map { .value($0) } ?? .none
            }
        } catch {
            return error == .integerOutOfRange ? .integerOutOfRange : .none
        }
    }

    private enum Failure: Error { case notLiteral, integerOutOfRange }

    private indirect enum Item {
        case null
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case string(String)
        /// Lists, tuples and sets; of these, only tuples can be keys.
        case list([Item], isTuple: Bool)
        case map([(Item, Item)])

        /// The value as JSON shows it; nil for a map with a key that JSON cannot show.
        var value: Value? {
            switch self {
            case .null: return .null
            case .bool(let value): return .bool(value)
            case .integer(let value): return .integer(value)
            case .number(let value): return .number(value)
            case .string(let text): return .string(text)
            case .list(let items, _):
                let values = items.compactMap(\.value)
                return values.count == items.count ? .list(values) : nil
            case .map(let pairs):
                var map = ValueMap()
                for (key, item) in pairs {
                    guard let key = key.keyText, let value = item.value else { return nil }
                    map[key] = value
                }
                return .map(map)
            }
        }

        private var keyText: String? {
            switch self {
            case .string(let text): text
            case .list, .map: nil
            default: value.map { $0.json.canonicalText }
            }
        }

        var isHashable: Bool {
            switch self {
            case .list(let items, let isTuple): isTuple && items.allSatisfy(\.isHashable)
            case .map: false
            default: true
            }
        }
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0

    private init(_ text: String) { scalars = Array(text.unicodeScalars) }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        let wanted = Array(word.unicodeScalars)
        guard scalars[index...].starts(with: wanted) else { return false }
        let after = index + wanted.count
        if after < scalars.count, Self.isIdentifier(scalars[after]) { return false }
        index = after
        return true
    }

    private static func isIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private mutating func skipSpace() {
        while let scalar = next {
            if scalar == "#" {
                index = scalars.count
            } else if scalar == " " || scalar == "\t" || scalar == "\u{C}" {
                index += 1
            } else {
                return
            }
        }
    }

    private mutating func document() throws(Failure) -> Item {
        let item = try tupleOrOne(until: nil, depth: 0)
        skipSpace()
        if next != nil { throw .notLiteral }
        return item
    }

    /// `a`, or `a, b` and `a,`, which are tuples.
    private mutating func tupleOrOne(
        until close: Unicode.Scalar?, depth: Int
    ) throws(Failure) -> Item {
        var items = [try expression(depth: depth)]
        var isTuple = false
        while true {
            skipSpace()
            guard take(",") else { break }
            isTuple = true
            skipSpace()
            if next == nil || next == close { break }
            items.append(try expression(depth: depth))
        }
        return isTuple ? .list(items, isTuple: true) : items[0]
    }

    private mutating func expression(depth: Int) throws(Failure) -> Item {
        if depth > 60 { throw .notLiteral }
        skipSpace()
        switch next {
        case "(":
            index += 1
            skipSpace()
            if take(")") { return .list([], isTuple: true) }
            let item = try tupleOrOne(until: ")", depth: depth + 1)
            skipSpace()
            guard take(")") else { throw .notLiteral }
            return item
        case "[":
            index += 1
            let items = try items(until: "]", depth: depth)
            return .list(items, isTuple: false)
        case "{":
            index += 1
            return try mapOrSet(depth: depth)
        case "+", "-":
            return try signed(depth: depth)
        case .some(let scalar) where (scalar >= "0" && scalar <= "9") || scalar == ".":
            if take(word: "...") { return .string("...") }
            return try number()
        default:
            if take(word: "True") { return .bool(true) }
            if take(word: "False") { return .bool(false) }
            if take(word: "None") { return .null }
            if take(word: "set") {
                skipSpace()
                guard take("(") else { throw .notLiteral }
                skipSpace()
                guard take(")") else { throw .notLiteral }
                return .list([], isTuple: false)
            }
            return try strings()
        }
    }

    private mutating func items(
        until close: Unicode.Scalar, depth: Int
    ) throws(Failure) -> [Item] {
        var items: [Item] = []
        while true {
            skipSpace()
            if take(close) { return items }
            items.append(try expression(depth: depth + 1))
            skipSpace()
            if take(close) { return items }
            guard take(",") else { throw .notLiteral }
        }
    }

    private mutating func mapOrSet(depth: Int) throws(Failure) -> Item {
        skipSpace()
        if take("}") { return .map([]) }
        let first = try expression(depth: depth + 1)
        guard first.isHashable else { throw .notLiteral }
        skipSpace()
        guard take(":") else {
            if take("}") { return .list([first], isTuple: false) }
            guard take(",") else { throw .notLiteral }
            let others = try items(until: "}", depth: depth)
            guard others.allSatisfy(\.isHashable) else { throw .notLiteral }
            return .list([first] + others, isTuple: false)
        }
        var pairs = [(first, try expression(depth: depth + 1))]
        while true {
            skipSpace()
            if take("}") { return .map(pairs) }
            guard take(",") else { throw .notLiteral }
            skipSpace()
            if take("}") { return .map(pairs) }
            let key = try expression(depth: depth + 1)
            skipSpace()
            guard key.isHashable, take(":") else { throw .notLiteral }
            pairs.append((key, try expression(depth: depth + 1)))
        }
    }

    /// One sign before a number, which may be in parentheses.
    private mutating func signed(depth: Int) throws(Failure) -> Item {
        let isNegative = next == "-"
        index += 1
        skipSpace()
        var open = 0
        while take("(") {
            open += 1
            skipSpace()
        }
        guard let scalar = next, (scalar >= "0" && scalar <= "9") || scalar == "." else {
            throw .notLiteral
        }
        let item = try number(isNegative: isNegative)
        while open > 0 {
            skipSpace()
            guard take(")") else { throw .notLiteral }
            open -= 1
        }
        return item
    }

    // MARK: Numbers

    private mutating func digits(_ base: Int) -> String? {
        var text = ""
        var lastWasMark = true
        while let scalar = next {
            if scalar == "_" {
                if lastWasMark { return nil }
                lastWasMark = true
            } else if scalar.isASCII, let digit = Character(scalar).hexDigitValue, digit < base {
                text.unicodeScalars.append(scalar)
                lastWasMark = false
            } else {
                break
            }
            index += 1
        }
        return lastWasMark && !text.isEmpty ? nil : text
    }

    private mutating func number(isNegative: Bool = false) throws(Failure) -> Item {
        let sign = isNegative ? "-" : ""
        if next == "0", index + 1 < scalars.count,
            let base = ["x": 16, "o": 8, "b": 2][Character(scalars[index + 1]).lowercased()]
        {
            index += 2
            // One underscore is allowed between the prefix and the digits.
            _ = take("_")
            guard let text = digits(base), !text.isEmpty, isAtNumberEnd else { throw .notLiteral }
            guard let value = Int(sign + text, radix: base) else { throw .integerOutOfRange }
            return .integer(value)
        }
        guard let whole = digits(10) else { throw .notLiteral }
        var text = whole.isEmpty ? "0" : whole
        var isFloat = false
        if take(".") {
            isFloat = true
            var fraction = ""
            if let scalar = next, scalar >= "0" && scalar <= "9" {
                guard let found = digits(10) else { throw .notLiteral }
                fraction = found
            }
            if whole.isEmpty && fraction.isEmpty { throw .notLiteral }
            text += "." + fraction + "0"
        }
        if next == "e" || next == "E" {
            isFloat = true
            index += 1
            text += "e"
            if take("-") { text += "-" } else { _ = take("+") }
            guard let exponent = digits(10), !exponent.isEmpty else { throw .notLiteral }
            text += exponent
        }
        guard isAtNumberEnd else { throw .notLiteral }
        if isFloat {
            guard let value = Double(sign + text) else { throw .notLiteral }
            return .number(value)
        }
        // 0 and 00 are numbers, 01 is not.
        if whole.first == "0", whole.contains(where: { $0 != "0" }) { throw .notLiteral }
        guard let value = Int(sign + whole) else { throw .integerOutOfRange }
        return .integer(value)
    }

    /// Whether a number ends here: no letter, digit, point or sign of a sum may follow, as in
    /// `10G`, `1j`, `1.2.3`, `1+2j`.
    private var isAtNumberEnd: Bool {
        guard let scalar = next else { return true }
        return !Self.isIdentifier(scalar) && scalar != "."
    }

    // MARK: Strings

    /// One or more adjacent string literals; all of them text, or all of them bytes.
    private mutating func strings() throws(Failure) -> Item {
        var text = ""
        var areBytes: Bool?
        while true {
            skipSpace()
            let start = index
            guard let (part, isBytes) = try string() else {
                index = start
                break
            }
            if areBytes != nil, areBytes != isBytes { throw .notLiteral }
            areBytes = isBytes
            text += part
        }
        if areBytes == nil { throw .notLiteral }
        return .string(text)
    }

    private mutating func string() throws(Failure) -> (text: String, isBytes: Bool)? {
        var prefix = ""
        while let scalar = next, "rRbBuU".unicodeScalars.contains(scalar), prefix.count < 2 {
            prefix += Character(scalar).lowercased()
            index += 1
        }
        guard let quote = next, quote == "'" || quote == "\"" else { return nil }
        guard ["", "r", "b", "u", "rb", "br"].contains(prefix) else { throw .notLiteral }
        let isTriple = scalars[index...].starts(with: [quote, quote, quote])
        index += isTriple ? 3 : 1
        let isRaw = prefix.contains("r")
        let isBytes = prefix.contains("b")
        var content = String.UnicodeScalarView()
        var bytes: [UInt8] = []
        while let scalar = next {
            if scalar == quote {
                if !isTriple {
                    index += 1
                    return try (isBytes ? Self.decoded(bytes) : String(content), isBytes)
                }
                if scalars[index...].starts(with: [quote, quote, quote]) {
                    index += 3
                    return try (isBytes ? Self.decoded(bytes) : String(content), isBytes)
                }
            }
            index += 1
            var taken: [Unicode.Scalar] = [scalar]
            if scalar == "\\" {
                guard let escaped = next else { throw .notLiteral }
                if isRaw {
                    index += 1
                    taken.append(escaped)
                } else {
                    taken = try escape(isBytes: isBytes)
                }
            } else if isBytes, !scalar.isASCII {
                throw .notLiteral
            }
            content.append(contentsOf: taken)
            if isBytes { bytes += taken.map { UInt8(truncatingIfNeeded: $0.value) } }
        }
        throw .notLiteral
    }

    private static func decoded(_ bytes: [UInt8]) throws(Failure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notLiteral }
        return text
    }

    /// The characters of an escape after its backslash; an unknown escape keeps the backslash.
    private mutating func escape(isBytes: Bool) throws(Failure) -> [Unicode.Scalar] {
        guard let scalar = next else { throw .notLiteral }
        index += 1
        switch scalar {
        case "\\", "'", "\"": return [scalar]
        case "a": return ["\u{7}"]
        case "b": return ["\u{8}"]
        case "f": return ["\u{C}"]
        case "n": return ["\n"]
        case "r": return ["\r"]
        case "t": return ["\t"]
        case "v": return ["\u{B}"]
        case "x": return [try coded(2)]
        case "u" where !isBytes: return [try coded(4)]
        case "U" where !isBytes: return [try coded(8)]
        case "N" where !isBytes: throw .notLiteral
        case "0"..."7":
            index -= 1
            var value: UInt32 = 0
            for _ in 0..<3 {
                guard let digit = next, digit >= "0", digit <= "7" else { break }
                value = value * 8 + digit.value - 48
                index += 1
            }
            guard let made = Unicode.Scalar(value) else { throw .notLiteral }
            return [made]
        default: return ["\\", scalar]
        }
    }

    private mutating func coded(_ count: Int) throws(Failure) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let scalar = next, scalar.isASCII, let digit = Character(scalar).hexDigitValue
            else {
                throw .notLiteral
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        guard let scalar = Unicode.Scalar(value) else { throw .notLiteral }
        return scalar
    }
}
