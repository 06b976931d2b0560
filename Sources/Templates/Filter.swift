import Diagnostics
import Values

/// A filter: `value | name(arguments)`.
struct Filter: Sendable {
    let name: String
    let signature: Signature
    /// Whether the value may be undefined without a fault: only `default`.
    var takesUndefined = false
    /// Whether Python's views and tuples may be its value.
    var takesViews = false
    /// Whether it passes members on unchanged, so that a secret member does not make the whole
    /// result secret.
    var keepsMembers = false
    /// Whether Jinja2 treats the result as HTML: only `tojson`.
    var givesMarkup: Bool { name == "tojson" }
    /// The result; nil if it is undefined, such as `first` of an empty list.
    let apply: @Sendable (Call) throws(Faults) -> Value?

    init(
        _ name: String, _ signature: Signature = .none, takesViews: Bool = false,
        keepsMembers: Bool = false, takesUndefined: Bool = false,
        _ apply: @escaping @Sendable (Call) throws(Faults) -> Value?
    ) {
        self.name = name
        self.signature = signature
        self.takesViews = takesViews
        self.keepsMembers = keepsMembers
        self.takesUndefined = takesUndefined
        self.apply = apply
    }

    /// Every filter by each of its names.
    static let all: [String: Filter] = {
        var all: [String: Filter] = [:]
        for filter in general + text + numbers + lists + maps + json + patterns {
            all[filter.name] = filter
        }
        for (alias, name) in ["d": "default", "count": "length"] { all[alias] = all[name] }
        return all
    }()

    /// The names for a hint, including filters that the parser handles itself.
    static let allNames: [String] =
        (all.keys + ["map", "select", "reject", "selectattr", "rejectattr"]).sorted()

    /// Hints for filters that people know from Jinja2 or Ansible and that do not exist here.
    static let advice: [String: String] = [
        "safe": "nothing is escaped, so \"safe\" is not needed",
        "e": "nothing is escaped", "escape": "nothing is escaped",
        "random": "a plan is the same every time: no random values",
        "shuffle": "a plan is the same every time: no random values",
        "password_hash": "put the hash into a secret variable",
        "vault": "put the value into a secret variable",
        "to_yaml": "write the YAML out in the template, or use to_nice_json, which YAML reads",
        "to_nice_yaml": "write the YAML out in the template, or use to_nice_json, which YAML reads",
        "from_json": "give the variable its structure in YAML",
        "from_yaml": "give the variable its structure in YAML",
        "fileglob": "a plan depends on its inputs only, not on files that happen to exist",
        "strftime": "a plan is the same every time: no clock",
        "groupby": "loop over the groups' names and use selectattr",
    ]

    /// Filters for any value.
    static let general: [Filter] = [
        Filter(
            "default", Signature(["default_value", "boolean"]), keepsMembers: true,
            takesUndefined: true
        ) { (call) in call.value },
        Filter("mandatory", Signature(["msg"]), keepsMembers: true) { (call) in call.value },
        Filter(
            "ternary", Signature(["true_val", "false_val", "none_val"], required: 2)
        ) { (call) throws(Faults) in
            if case .null = call.value, call.has(2), call.argument(2) != .null {
                return call.argument(2)
            }
            return try call.evaluator.isTrue(call.value, call.node)
                ? call.argument(0) : call.argument(1)
        },
        Filter("bool") { (call) throws(Faults) in
            switch call.value {
            case .bool: return call.value
            case .integer(let number) where number == 0 || number == 1: return .bool(number == 1)
            case .string(let text):
                switch text.lowercased() {
                case "yes", "on", "1", "true": return .bool(true)
                case "no", "off", "0", "false": return .bool(false)
                default: break
                }
                throw call.fault(
                    "a string that is neither true nor false",
                    hint: "yes, on, true, 1 and no, off, false, 0 are read")
            default:
                throw call.fault("\(call.value.kindText) that is neither true nor false")
            }
        },
        Filter("string") { (call) throws(Faults) in .string(try call.text()) },
        Filter("type_debug") { (call) throws(Faults) in
            throw call.fault(
                "type_debug shows a Python type", hint: "ask with a test: is string, is mapping")
        },
    ]
}
