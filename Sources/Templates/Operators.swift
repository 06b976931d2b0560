import Diagnostics
import Glibc
import Values

extension Evaluator {
    // MARK: Text

    /// A value as text.
    ///
    /// Only strings and numbers are accepted.
    func splice(_ value: Value, _ node: Node) throws(Faults) -> String {
        switch value {
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .number(let number): return PythonNumber.text(number)
        case .secret: return try splice(open(value), node)
        case .null, .bool, .list, .map:
            throw fault(
                "template-type", "\(value.kindText) spliced into text", at: node,
                hint: ValueHints.splice(value))
        }
    }

    // MARK: Truth

    /// Whether Python treats the value as true.
    static func truth(_ value: Value) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .string(let text): !text.isEmpty
        case .list(let elements): !elements.isEmpty
        case .map(let map): !map.isEmpty
        case .secret(let value): truth(value)
        }
    }

    /// Words that mean true or false but, as strings, are all true in Python.
    private static let words: Set<String> = [
        "yes", "no", "on", "off", "true", "false", "y", "n",
    ]

    /// Whether a value is true as a condition.
    ///
    /// A string such as `"no"` is a mistake and refused.
    func isTrue(_ value: Value, _ node: Node) throws(Faults) -> Bool {
        if case .bool(let value) = value { return value }
        if case .string(let text) = value, text.utf8.count <= 5,
            Self.words.contains(text.lowercased())
        {
            throw fault(
                "template-type", "a string such as yes or no used as a condition", at: node,
                cause: "in Jinja2 every string except the empty one is true",
                hint: "write \"| bool\"")
        }
        return Self.truth(value)
    }

    // MARK: Comparison

    func compared(
        _ first: Node, _ operands: [(operation: Comparison, operand: Node)]
    ) throws(Faults) -> Value {
        var left = try value(first)
        for (operation, node) in operands {
            let right = try value(node)
            if !(try holds(operation, left, right, node)) { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    func holds(
        _ operation: Comparison, _ left: Value, _ right: Value, _ node: Node
    ) throws(Faults) -> Bool {
        switch operation {
        case .equal: try equal(left, right, node)
        case .unequal: !(try equal(left, right, node))
        case .less: try precedes(left, right, node)
        case .greater: try precedes(right, left, node)
        case .lessOrEqual: !(try precedes(right, left, node))
        case .greaterOrEqual: !(try precedes(left, right, node))
        case .contained: try contains(right, left, node)
        case .notContained: !(try contains(right, left, node))
        }
    }

    /// Python's `==`: numbers by value whatever their type, true as 1, lists by their elements.
    func equal(_ left: Value, _ right: Value, _ node: Node) throws(Faults) -> Bool {
        switch (open(left), open(right)) {
        case (.null, .null): return true
        case (.string(let a), .string(let b)): return PythonText.same(a, b)
        case (.list(let a), .list(let b)):
            if madeTuples { throw tuplesCompared(node) }
            guard a.count == b.count else { return false }
            for (x, y) in zip(a, b) where !(try equal(x, y, node)) { return false }
            return true
        case (.map(let a), .map(let b)):
            guard a.count == b.count else { return false }
            for (key, value) in a.pairs {
                guard let other = b[key], try equal(value, other, node) else { return false }
            }
            return true
        case (let a, let b):
            guard let x = PythonNumber(a), let y = PythonNumber(b) else { return false }
            return x.order(y) == 0
        }
    }

    private func tuplesCompared(_ node: Node) -> Faults {
        fault(
            "template-type", "lists compared where some are pairs", at: node,
            cause: "what items, dictsort and zip give are tuples in Jinja2, which equal no list",
            hint: "compare their members")
    }

    /// Python's `<`.
    func precedes(_ left: Value, _ right: Value, _ node: Node) throws(Faults) -> Bool {
        switch (open(left), open(right)) {
        case (.string(let a), .string(let b)): return PythonText.precedes(a, b)
        case (.list(let a), .list(let b)):
            if madeTuples { throw tuplesCompared(node) }
            for (x, y) in zip(a, b) where !(try equal(x, y, node)) {
                return try precedes(x, y, node)
            }
            return a.count < b.count
        case (.integer(let a), .integer(let b)): return a < b
        case (let a, let b):
            guard let x = PythonNumber(strict: a), let y = PythonNumber(strict: b) else {
                throw fault(
                    "template-type", "\(a.kindText) and \(b.kindText) have no order", at: node,
                    hint: Self.orderHint(a, b))
            }
            return x.order(y) < 0
        }
    }

    private static func orderHint(_ a: Value, _ b: Value) -> String? {
        switch (a, b) {
        case (.string, .integer), (.string, .number), (.integer, .string), (.number, .string):
            "make the string a number: | int"
        default: nil
        }
    }

    /// Python's `in`.
    func contains(_ container: Value, _ value: Value, _ node: Node) throws(Faults) -> Bool {
        switch container {
        case .list(let elements):
            for element in elements where try equal(element, value, node) { return true }
            return false
        case .map(let map):
            guard case .string(let key) = value else {
                throw fault(
                    "template-type", "\(value.kindText) used to look up a key of a map", at: node)
            }
            return map[key] != nil
        case .string(let text):
            guard case .string(let part) = value else {
                throw fault(
                    "template-type", "\(value.kindText) looked for in a string", at: node)
            }
            return PythonText.contains(text, part)
        default:
            throw fault("template-type", "\(container.kindText) contains nothing", at: node)
        }
    }

    // MARK: Arithmetic

    /// The value; throws a fault unless it is a number.
    func number(_ value: Value, _ node: Node) throws(Faults) -> Value {
        switch value {
        case .integer, .number: return value
        default: throw fault("template-type", "\(value.kindText) is not a number", at: node)
        }
    }

    func negated(_ value: Value, _ node: Node) throws(Faults) -> Value {
        switch try number(value, node) {
        case .integer(let number):
            let (result, overflow) = 0.subtractingReportingOverflow(number)
            if overflow { throw outOfRange(node) }
            return .integer(result)
        case .number(let number): return .number(-number)
        default: return value
        }
    }

    func outOfRange(_ node: Node) -> Faults {
        fault(
            "template-limit", "a number out of range", at: node,
            hint: "integers have 64 bits; other numbers have to be finite")
    }

    func finite(_ number: Double, _ node: Node) throws(Faults) -> Value {
        guard number.isFinite else { throw outOfRange(node) }
        return .number(number)
    }

    func arithmetic(
        _ operation: Arithmetic, _ left: Node, _ right: Node, _ node: Node
    ) throws(Faults) -> Value {
        let a = try value(left)
        let b = try value(right)
        try step(node)
        switch (operation, a, b) {
        case (_, .integer(let x), .integer(let y)): return try integers(operation, x, y, node)
        case (.add, .string(let x), .string(let y)):
            try check(size: x.utf8.count + y.utf8.count, node)
            return .string(x + y)
        case (.add, .list(let x), .list(let y)):
            if madeTuples { throw tuplesCompared(node) }
            try check(size: x.count + y.count, node)
            return .list(x + y)
        case (.multiply, .string(let text), .integer(let count)),
            (.multiply, .integer(let count), .string(let text)):
            try check(repeating: text.utf8.count, count, node)
            return .string(String(repeating: text, count: max(0, count)))
        case (.multiply, .list(let list), .integer(let count)),
            (.multiply, .integer(let count), .list(let list)):
            try check(repeating: list.count, count, node)
            return .list(Array(repeatElement(list, count: max(0, count)).joined()))
        case (.remainder, .string(let format), _):
            var arguments = [b]
            if case .tuple = right.form, case .list(let elements) = b {
                arguments = elements
            } else if case .list = b {
                throw fault("template-type", "a list as a format's only value", at: right)
            } else if case .map = b {
                throw fault("template-type", "a map as a format's only value", at: right)
            }
            return .string(try PrintfFormat.apply(format, arguments, self, node))
        default: break
        }
        guard let x = PythonNumber(strict: a), let y = PythonNumber(strict: b) else {
            throw fault(
                "template-type",
                "\"\(operation.rawValue)\" between \(a.kindText) and \(b.kindText)", at: node,
                hint: Self.arithmeticHint(operation, a, b))
        }
        return try doubles(operation, x.double, y.double, node)
    }

    private func check(repeating size: Int, _ count: Int, _ node: Node) throws(Faults) {
        let (product, overflow) = size.multipliedReportingOverflow(by: max(0, count))
        try check(size: overflow ? Int.max : product, node)
    }

    private static func arithmeticHint(
        _ operation: Arithmetic, _ a: Value, _ b: Value
    ) -> String? {
        switch (operation, a, b) {
        case (.add, .string, .integer), (.add, .string, .number), (.add, .integer, .string),
            (.add, .number, .string):
            "\"~\" joins text; \"| int\" makes a number of a string"
        case (_, .string, .integer), (_, .integer, .string), (_, .string, .string):
            "make a number of the string: | int"
        case (.add, .map, .map): "use \"| combine(…)\""
        default: nil
        }
    }

    private func integers(
        _ operation: Arithmetic, _ x: Int, _ y: Int, _ node: Node
    ) throws(Faults) -> Value {
        func checked(_ result: (partialValue: Int, overflow: Bool)) throws(Faults) -> Value {
            if result.overflow { throw outOfRange(node) }
            return .integer(result.partialValue)
        }
        switch operation {
        case .add: return try checked(x.addingReportingOverflow(y))
        case .subtract: return try checked(x.subtractingReportingOverflow(y))
        case .multiply: return try checked(x.multipliedReportingOverflow(by: y))
        case .divide:
            guard y != 0 else { throw byZero(node) }
            // Beyond 53 bits Python divides more precisely than the processor.
            guard x.magnitude <= 1 << 53, y.magnitude <= 1 << 53 else { throw outOfRange(node) }
            return .number(Double(x) / Double(y))
        case .floorDivide, .remainder:
            guard y != 0 else { throw byZero(node) }
            let (quotient, overflow) = x.dividedReportingOverflow(by: y)
            if overflow { throw outOfRange(node) }
            let remainder = x - quotient * y
            let isBelow = remainder != 0 && (remainder < 0) != (y < 0)
            if operation == .remainder { return .integer(isBelow ? remainder + y : remainder) }
            return .integer(isBelow ? quotient - 1 : quotient)
        case .power:
            guard y >= 0 else {
                guard x != 0 else { throw byZero(node) }
                return try finite(pow(Double(x), Double(y)), node)
            }
            if x == 0 || x == 1 { return .integer(y == 0 ? 1 : x) }
            if x == -1 { return .integer(y % 2 == 0 ? 1 : -1) }
            guard y < 64 else { throw outOfRange(node) }
            var result = 1
            for _ in 0..<y {
                let (product, overflow) = result.multipliedReportingOverflow(by: x)
                if overflow { throw outOfRange(node) }
                result = product
            }
            return .integer(result)
        }
    }

    private func byZero(_ node: Node) -> Faults {
        fault("template-type", "a division by zero", at: node)
    }

    private func doubles(
        _ operation: Arithmetic, _ x: Double, _ y: Double, _ node: Node
    ) throws(Faults) -> Value {
        switch operation {
        case .add: return try finite(x + y, node)
        case .subtract: return try finite(x - y, node)
        case .multiply: return try finite(x * y, node)
        case .divide:
            guard y != 0 else { throw byZero(node) }
            return try finite(x / y, node)
        case .floorDivide, .remainder:
            guard y != 0 else { throw byZero(node) }
            let (quotient, remainder) = PythonNumber.dividing(x, by: y)
            return try finite(operation == .remainder ? remainder : quotient, node)
        case .power:
            if x == 0, y < 0 { throw byZero(node) }
            return try finite(pow(x, y), node)
        }
    }
}
