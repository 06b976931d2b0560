import Diagnostics
import Values

extension Filter {
    static let patterns: [Filter] = [
        Filter(
            "regex_replace",
            Signature([
                "pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count",
            ])
        ) { (call) throws(Faults) in
            let text = Array(try call.text().unicodeScalars)
            let replacement = try call.string(1) ?? ""
            let limit = try call.integer(4) ?? 0
            let mandatory = try call.integer(5) ?? 0
            let expression = try Pattern.expression(call, 0, ignoresCase: 2, isMultiline: 3)
            let result = try Pattern.run(call) { () throws(RegularExpression.Refusal) in
                try expression.replace(text, with: replacement, limit: limit > 0 ? limit : .max)
            }
            if mandatory > 0, mandatory != result.count {
                throw call.fault("the pattern matches \(result.count) times, not \(mandatory)")
            }
            try call.evaluator.check(size: result.text.utf8.count, call.node)
            return .string(result.text)
        },
        Filter(
            "regex_search",
            Signature(["regex"], required: 1, takesMore: true, named: ["ignorecase", "multiline"])
        ) { (call) throws(Faults) in
            let text = Array(try call.text().unicodeScalars)
            let expression = try Pattern.expression(call, 0, ignoresCase: 1, isMultiline: 2)
            let match = try Pattern.run(call) { () throws(RegularExpression.Refusal) in
                try expression.search(text)
            }
            guard let match else { return .null }
            if call.rest.isEmpty { return .string(PythonText.string(text[match.whole])) }
            var groups: [Value] = []
            for name in call.rest {
                let number = try Pattern.group(name, expression, call)
                groups.append(
                    match.groups[number].map { .string(PythonText.string(text[$0])) } ?? .null)
            }
            return .list(groups)
        },
        Filter(
            "regex_findall", Signature(["regex", "multiline", "ignorecase"], required: 1)
        ) { (call) throws(Faults) in
            let text = Array(try call.text().unicodeScalars)
            let expression = try Pattern.expression(call, 0, ignoresCase: 2, isMultiline: 1)
            let matches = try Pattern.run(call) { () throws(RegularExpression.Refusal) in
                try expression.all(text)
            }
            func string(_ range: Range<Int>?) -> Value {
                .string(range.map { PythonText.string(text[$0]) } ?? "")
            }
            switch expression.groupCount {
            case 0: return .list(matches.map { string($0.whole) })
            case 1: return .list(matches.map { string($0.groups[1]) })
            default:
                call.evaluator.madeTuples = true
                return .list(matches.map { .list($0.groups.dropFirst().map(string)) })
            }
        },
        Filter("regex_escape") { (call) throws(Faults) in
            .string(RegularExpression.escaped(try call.text()))
        },
    ]
}

extension Test {
    /// `match` matches at the beginning of the text, `search` and `regex` anywhere.
    static let patterns: [Test] = ["match", "search", "regex"].map { name in
        Test(name, Signature(["pattern", "ignorecase", "multiline"])) { (call) throws(Faults) in
            let text = Array(try call.string().unicodeScalars)
            let expression = try Pattern.expression(call, 0, ignoresCase: 1, isMultiline: 2)
            return try Pattern.run(call) { () throws(RegularExpression.Refusal) in
                name == "match"
                    ? try expression.matchAtStart(text) != nil : try expression.search(text) != nil
            }
        }
    }
}

/// Code shared by filters and tests with a pattern.
private enum Pattern {
    static func expression(
        _ call: Call, _ index: Int, ignoresCase: Int, isMultiline: Int
    ) throws(Faults) -> RegularExpression {
        let text = try call.string(index) ?? ""
        var flags = RegularExpression.Flags()
        flags.ignoresCase = try call.bool(ignoresCase)
        flags.isMultiline = try call.bool(isMultiline)
        let wanted = flags
        return try run(call) { () throws(RegularExpression.Refusal) in
            try RegularExpression(text, flags: wanted)
        }
    }

    /// Runs the body and turns a refusal into a fault at the place of the call.
    static func run<T>(
        _ call: Call, _ body: () throws(RegularExpression.Refusal) -> T
    ) throws(Faults) -> T {
        do throws(RegularExpression.Refusal) { return try body() } catch {
            throw call.evaluator.fault(
                "template-pattern", error.reason, at: call.node, hint: error.hint)
        }
    }

    /// The group that `'\1'` or `'\g<name>'` names.
    static func group(
        _ value: Value, _ expression: RegularExpression, _ call: Call
    ) throws(Faults) -> Int {
        var number: Int?
        if case .string(let text) = value {
            if text.hasPrefix("\\g<"), text.hasSuffix(">") {
                let name = String(text.dropFirst(3).dropLast())
                number = expression.groupNames[name]
            } else if text.hasPrefix("\\") {
                let digits = text.dropFirst()
                if digits.unicodeScalars.allSatisfy(PythonText.isDigit) { number = Int(digits) }
            }
        }
        guard let number, number <= expression.groupCount else {
            throw call.fault(
                "no such group in the pattern", hint: "write '\\\\1' or '\\\\g<name>'")
        }
        return number
    }
}
