import Diagnostics
import Glibc
import Values

/// `"%02d of %s" % (a, b)` and the filter `format`, for the conversions s, d, i, x, X, o and f.
enum PrintfFormat {
    static func apply(
        _ format: String, _ arguments: [Value], _ evaluator: Evaluator, _ node: Node
    ) throws(Faults) -> String {
        var reader = Reader(
            scalars: Array(format.unicodeScalars), arguments: arguments, evaluator: evaluator,
            node: node)
        return try reader.run()
    }

    private struct Reader {
        let scalars: [Unicode.Scalar]
        let arguments: [Value]
        let evaluator: Evaluator
        let node: Node
        var position = 0
        var used = 0
        var result = ""

        init(
            scalars: [Unicode.Scalar], arguments: [Value], evaluator: Evaluator, node: Node
        ) {
            self.scalars = scalars
            self.arguments = arguments
            self.evaluator = evaluator
            self.node = node
        }

        func fault(_ summary: String, hint: String? = nil) -> Faults {
            evaluator.fault("template-type", summary, at: node, hint: hint)
        }

        mutating func run() throws(Faults) -> String {
            while position < scalars.count {
                let scalar = scalars[position]
                position += 1
                if scalar == "%" {
                    try conversion()
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
            if used < arguments.count {
                throw fault("the format takes \(used) values, not \(arguments.count)")
            }
            return result
        }

        private mutating func digits() throws(Faults) -> Int? {
            var number: Int?
            while position < scalars.count, PythonText.isDigit(scalars[position]) {
                number = (number ?? 0) * 10 + Int(scalars[position].value - 48)
                position += 1
                if let number, number > 1000 { throw fault("a format's width beyond 1000") }
            }
            return number
        }

        private mutating func conversion() throws(Faults) {
            var isLeft = false
            var hasZeros = false
            var sign = ""
            flags: while position < scalars.count {
                switch scalars[position] {
                case "-": isLeft = true
                case "0": hasZeros = true
                case "+": sign = "+"
                case " ": if sign.isEmpty { sign = " " }
                default: break flags
                }
                position += 1
            }
            let width = try digits() ?? 0
            var precision: Int?
            if position < scalars.count, scalars[position] == "." {
                position += 1
                precision = try digits() ?? 0
            }
            guard position < scalars.count else { throw fault("the format ends inside a \"%\"") }
            let letter = scalars[position]
            position += 1
            if letter == "%" {
                guard width == 0, precision == nil else {
                    throw fault("a width before \"%%\" in a format")
                }
                result += "%"
                return
            }
            guard used < arguments.count else {
                throw fault("the format takes more than \(arguments.count) values")
            }
            let value = evaluator.open(arguments[used])
            used += 1
            var text: String
            var isNumber = true
            switch letter {
            case "s":
                text = try evaluator.splice(value, node)
                if let precision {
                    text = PythonText.string(text.unicodeScalars.prefix(precision))
                }
                isNumber = false
            case "d", "i", "x", "X", "o":
                guard precision == nil else { throw fault("a precision for an integer") }
                guard case .integer(let number) = value else {
                    throw fault(
                        "\(value.kindText) for \"%\(letter)\" in a format", hint: "add \"| int\"")
                }
                let radix = letter == "o" ? 8 : letter == "x" || letter == "X" ? 16 : 10
                text = String(number.magnitude, radix: radix, uppercase: letter == "X")
                text = (number < 0 ? "-" : sign) + text
            case "f":
                guard let number = PythonNumber(strict: value)?.double, precision ?? 6 <= 60 else {
                    throw fault("\(value.kindText) for \"%f\" in a format")
                }
                text = PythonNumber.fixed(number.magnitude, precision ?? 6)
                text = (number.sign == .minus ? "-" : sign) + text
            default:
                throw fault(
                    "\"%\(letter)\" is not a supported conversion",
                    hint: "known: %s %d %x %o %f %%")
            }
            let count = text.unicodeScalars.count
            let padding = max(0, width - count)
            if isLeft {
                text += String(repeating: " ", count: padding)
            } else if hasZeros, isNumber {
                let hasSign = text.hasPrefix("-") || text.hasPrefix("+") || text.hasPrefix(" ")
                let digits = hasSign ? String(text.dropFirst()) : text
                text =
                    (hasSign ? String(text.prefix(1)) : "")
                    + String(repeating: "0", count: padding) + digits
            } else {
                text = String(repeating: " ", count: padding) + text
            }
            result += text
        }
    }
}

extension PythonNumber {
    /// A number with this many digits after the point, correctly rounded, ties to even.
    static func fixed(_ number: Double, _ digits: Int) -> String {
        var buffer = [CChar](repeating: 0, count: 400 + digits)
        let count = withVaList([Int32(digits), number]) {
            vsnprintf(&buffer, buffer.count, "%.*f", $0)
        }
        return String(
            decoding: buffer.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) },
            as: UTF8.self)
    }
}
