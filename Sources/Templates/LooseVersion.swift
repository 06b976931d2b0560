import Diagnostics
import Values

/// `is version('6.1', '>=')`: Ansible's default comparison, of digits as numbers and of letters as
/// text, part by part.
struct LooseVersion {
    private enum Part: Equatable {
        case number(Int)
        case text(String)
    }

    private let parts: [Part]

    static func compare(_ call: Call) throws(Faults) -> Bool {
        for (index, name) in [(2, "strict"), (3, "version_type")]
        where call.has(index) && call.argument(index) != .null
            && call.argument(index) != .bool(false)
        {
            guard call.argument(index) == .string("loose") else {
                throw call.fault("\(name) of a version", hint: "versions are compared loosely")
            }
        }
        let left = try LooseVersion(call.text(), call)
        let right = try LooseVersion(call.text(0) ?? "", call)
        let order = try left.order(right, call)
        switch try call.string(1) ?? "eq" {
        case "==", "=", "eq": return order == 0
        case "!=", "<>", "ne": return order != 0
        case "<", "lt": return order < 0
        case "<=", "le": return order <= 0
        case ">", "gt": return order > 0
        case ">=", "ge": return order >= 0
        default: throw call.fault("no such comparison of versions", hint: "==, !=, <, <=, >, >=")
        }
    }

    /// Splits into runs of digits, runs of lower-case letters, and other characters; points
    /// separate.
    private init(_ text: String, _ call: Call) throws(Faults) {
        guard !text.isEmpty else { throw call.fault("an empty version") }
        guard text.utf8.allSatisfy({ $0 < 128 }) else {
            throw call.fault("a version of other than ASCII characters")
        }
        enum Kind { case digits, letters, other }
        func kind(_ scalar: Unicode.Scalar) -> Kind {
            PythonText.isDigit(scalar)
                ? .digits : scalar >= "a" && scalar <= "z" ? .letters : .other
        }
        var parts: [Part] = []
        var run = ""
        var runKind = Kind.other
        func flush() throws(Faults) {
            guard !run.isEmpty else { return }
            if runKind == .digits {
                guard let number = Int(run) else { throw call.fault("a version out of range") }
                parts.append(.number(number))
            } else {
                parts.append(.text(run))
            }
            run = ""
        }
        for scalar in text.unicodeScalars {
            if scalar == "." {
                try flush()
                continue
            }
            let kind = kind(scalar)
            if kind != runKind { try flush() }
            runKind = kind
            run.unicodeScalars.append(scalar)
        }
        try flush()
        self.parts = parts
    }

    private func order(_ other: LooseVersion, _ call: Call) throws(Faults) -> Int {
        for (a, b) in zip(parts, other.parts) where a != b {
            switch (a, b) {
            case (.number(let x), .number(let y)): return x < y ? -1 : 1
            case (.text(let x), .text(let y)): return PythonText.precedes(x, y) ? -1 : 1
            default:
                throw call.fault(
                    "versions that cannot be compared: a number meets a text",
                    hint: "cut the versions to their numbers first")
            }
        }
        return parts.count - other.parts.count
    }
}
