import Diagnostics
import Values

extension Filter {
    static let numbers: [Filter] = [
        Filter("int", Signature(["default", "base"])) { (call) throws(Faults) in
            try integer(call)
        },
        Filter("float", Signature(["default"])) { (call) throws(Faults) in
            switch call.value {
            case .integer(let number): return .number(Double(number))
            case .number: return call.value
            case .string(let text):
                switch PythonNumber.parse(text) {
                case .integer(let number): return .number(Double(number))
                case .number(let number): return .number(number)
                case .refused: throw outOfBounds(call)
                case .none: return try fallback(call, "a string that is not a number")
                }
            case .bool: throw call.fault("a boolean that is not a number")
            default: return try fallback(call, "\(call.value.kindText) that is not a number")
            }
        },
        Filter("abs") { (call) throws(Faults) in
            switch call.value {
            case .integer(let number):
                guard number != .min else { throw outOfBounds(call) }
                return .integer(abs(number))
            case .number(let number): return .number(number.magnitude)
            default: throw call.fault("\(call.value.kindText) is not a number")
            }
        },
        Filter("round", Signature(["precision", "method"])) { (call) throws(Faults) in
            try rounded(call)
        },
    ]

    private static func outOfBounds(_ call: Call) -> Faults {
        call.fault(
            "a number written in a way not accepted here",
            hint: "digits with a point or an exponent; integers have 64 bits")
    }

    /// The result of `int` and `float` for a value that is not a number: only a default that is
    /// given explicitly.
    private static func fallback(_ call: Call, _ summary: String) throws(Faults) -> Value {
        guard call.has(0) else {
            throw call.fault(summary, hint: "Jinja2 would give 0: if you want that, say int(0)")
        }
        return call.argument(0)
    }

    private static func integer(_ call: Call) throws(Faults) -> Value {
        switch call.value {
        case .integer: return call.value
        case .bool(let value): return .integer(value ? 1 : 0)
        case .number(let number):
            guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                throw outOfBounds(call)
            }
            return .integer(whole)
        case .string(let text):
            let radix = try call.integer(1) ?? 10
            guard [2, 8, 10, 16].contains(radix) else {
                throw call.fault("a base other than 2, 8, 10 and 16")
            }
            switch PythonNumber.parse(text, radix: radix) {
            case .integer(let number): return .integer(number)
            case .number(let number):
                guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                    throw outOfBounds(call)
                }
                return .integer(whole)
            case .refused: throw outOfBounds(call)
            case .none: return try fallback(call, "a string that is not an integer")
            }
        default: return try fallback(call, "\(call.value.kindText) that is not an integer")
        }
    }

    private static func rounded(_ call: Call) throws(Faults) -> Value {
        let precision = try call.integer(0) ?? 0
        guard (0...15).contains(precision) else {
            throw call.fault("a precision outside of 0 to 15")
        }
        let method = try call.string(1) ?? "common"
        if method == "common" {
            switch call.value {
            case .integer: return call.value
            case .number(let number):
                guard number.magnitude < 1e15,
                    let result = Double(PythonNumber.fixed(number.magnitude, precision))
                else { throw outOfBounds(call) }
                return .number(number.sign == .minus ? -result : result)
            default: throw call.fault("\(call.value.kindText) is not a number")
            }
        }
        guard method == "ceil" || method == "floor" else {
            throw call.fault("no such way to round", hint: "common, ceil or floor")
        }
        guard let number = PythonNumber(strict: call.value)?.double else {
            throw call.fault("\(call.value.kindText) is not a number")
        }
        var factor = 1.0
        for _ in 0..<precision { factor *= 10 }
        let scaled = (number * factor).rounded(method == "ceil" ? .up : .down)
        guard scaled.magnitude <= 0x1p53 else { throw outOfBounds(call) }
        // In Python the whole number is an integer, which has no negative zero.
        return .number((scaled == 0 ? 0 : scaled) / factor)
    }
}
