import Diagnostics
import Values

/// A test: `value is name(arguments)`.
struct Test: Sendable {
    let name: String
    let signature: Signature
    /// The result for an undefined value; nil if that is a fault.
    let ofUndefined: Bool?
    /// Whether Python's views and tuples may be its argument.
    let takesViews: Bool
    let apply: @Sendable (Call) throws(Faults) -> Bool

    var takesUndefined: Bool { ofUndefined != nil }

    init(
        _ name: String, _ signature: Signature = .none, ofUndefined: Bool? = nil,
        takesViews: Bool = false, _ apply: @escaping @Sendable (Call) throws(Faults) -> Bool
    ) {
        self.name = name
        self.signature = signature
        self.ofUndefined = ofUndefined
        self.takesViews = takesViews
        self.apply = apply
    }

    static let all: [String: Test] = {
        var all: [String: Test] = [:]
        for test in kinds + relations + texts + patterns { all[test.name] = test }
        let aliases = [
            "equalto": "eq", "lessthan": "lt", "greaterthan": "gt", "==": "eq", "!=": "ne",
            "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "issubset": "subset",
            "issuperset": "superset", "version_compare": "version",
        ]
        for (alias, name) in aliases { all[alias] = all[name] }
        return all
    }()

    static let allNames: [String] = all.keys.filter {
        PythonText.isNameStart($0.unicodeScalars.first ?? " ")
    }
    .sorted()

    /// Hints for tests that people know from Jinja2 or Ansible and that do not exist here.
    static let advice: [String: String] = [
        "sameas": "write \"==\"", "callable": "nothing is",
        "succeeded": "a plan knows no results of earlier tasks",
        "failed": "a plan knows no results of earlier tasks",
        "changed": "a plan knows no results of earlier tasks",
        "skipped": "a plan knows no results of earlier tasks",
        "file": "a plan depends on its inputs only, not on files that happen to exist",
        "exists": "a plan depends on its inputs only, not on files that happen to exist",
        "directory": "a plan depends on its inputs only, not on files that happen to exist",
    ]

    private static let kinds: [Test] = [
        Test("defined", ofUndefined: false) { (_) in true },
        Test("undefined", ofUndefined: true) { (_) in false },
        Test("none") { (call) in call.value == .null },
        Test("boolean") { (call) in if case .bool = call.value { true } else { false } },
        Test("true") { (call) in call.value == .bool(true) },
        Test("false") { (call) in call.value == .bool(false) },
        Test("integer") { (call) in if case .integer = call.value { true } else { false } },
        Test("float") { (call) in if case .number = call.value { true } else { false } },
        Test("number") { (call) in
            switch call.value {
            case .integer, .number, .bool: true
            default: false
            }
        },
        Test("string") { (call) in if case .string = call.value { true } else { false } },
        Test("mapping") { (call) in if case .map = call.value { true } else { false } },
        Test("sequence") { (call) in isCollection(call.value) },
        Test("iterable") { (call) in isCollection(call.value) },
        Test("truthy", Signature(["convert_bool"])) { (call) throws(Faults) in
            try holds(call)
        },
        Test("falsy", Signature(["convert_bool"])) { (call) throws(Faults) in
            try !holds(call)
        },
    ]

    private static func isCollection(_ value: Value) -> Bool {
        switch value {
        case .string, .list, .map: true
        default: false
        }
    }

    private static func holds(_ call: Call) throws(Faults) -> Bool {
        if try call.bool(0) {
            throw call.fault("convert_bool", hint: "write \"| bool\" before the test")
        }
        return Evaluator.truth(call.value)
    }

    private static func comparing(_ name: String, _ operation: Comparison) -> Test {
        Test(name, Signature(["other"], required: 1)) { (call) throws(Faults) in
            try call.evaluator.holds(operation, call.value, call.argument(0), call.node)
        }
    }

    private static let relations: [Test] = [
        comparing("eq", .equal), comparing("ne", .unequal), comparing("lt", .less),
        comparing("le", .lessOrEqual), comparing("gt", .greater), comparing("ge", .greaterOrEqual),
        Test("in", Signature(["seq"], required: 1), takesViews: true) { (call) throws(Faults) in
            try call.evaluator.contains(call.argument(0), call.value, call.node)
        },
        Test("contains", Signature(["value"], required: 1)) { (call) throws(Faults) in
            try call.evaluator.contains(call.value, call.argument(0), call.node)
        },
        Test("even") { (call) throws(Faults) in try remainder(call, 2) == 0 },
        Test("odd") { (call) throws(Faults) in try remainder(call, 2) != 0 },
        Test("divisibleby", Signature(["num"], required: 1)) { (call) throws(Faults) in
            guard let divisor = try call.integer(0), divisor != 0 else {
                throw call.fault("a division by zero")
            }
            return try remainder(call, divisor) == 0
        },
        Test("subset", Signature(["b"], required: 1)) { (call) throws(Faults) in
            try keys(call.value, call).isSubset(of: keys(call.argument(0), call))
        },
        Test("superset", Signature(["b"], required: 1)) { (call) throws(Faults) in
            try keys(call.value, call).isSuperset(of: keys(call.argument(0), call))
        },
        Test(
            "version", Signature(["version", "operator", "strict", "version_type"], required: 1)
        ) { (call) throws(Faults) in try LooseVersion.compare(call) },
    ]

    private static func remainder(_ call: Call, _ divisor: Int) throws(Faults) -> Int {
        guard case .integer(let number) = call.value else {
            throw call.fault("\(call.value.kindText) is not an integer", hint: "add \"| int\"")
        }
        return number.remainderReportingOverflow(dividingBy: divisor).partialValue
    }

    private static func keys(_ value: Value, _ call: Call) throws(Faults) -> Set<ElementKey> {
        var keys: Set<ElementKey> = []
        for element in try call.evaluator.elements(of: value, call.node) {
            keys.insert(try ElementKey(element, isCaseSensitive: true, call))
        }
        return keys
    }

    private static let texts: [Test] = [
        Test("lower") { (call) throws(Faults) in try isCased(call, upper: false) },
        Test("upper") { (call) throws(Faults) in try isCased(call, upper: true) },
    ]

    /// Whether a string has letters with case, all of them in this case.
    private static func isCased(_ call: Call, upper: Bool) throws(Faults) -> Bool {
        let text = try call.string()
        guard text.utf8.allSatisfy({ $0 < 128 }) else {
            throw call.fault("the case of other than ASCII letters")
        }
        let letters = text.unicodeScalars.filter(\.properties.isCased)
        return !letters.isEmpty
            && letters.allSatisfy { upper ? $0.properties.isUppercase : $0.properties.isLowercase }
    }
}
