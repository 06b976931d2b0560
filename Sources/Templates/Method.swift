import Diagnostics
import Values

/// A method of Python's strings and maps that templates may call.
struct Method: Sendable {
    let name: String
    let signature: Signature
    /// Whether Python accepts its arguments by position only.
    let takesNoNames: Bool
    /// Whether its result is one of Python's views.
    let givesView: Bool
    let apply: @Sendable (Call) throws(Faults) -> Value?

    init(
        _ name: String, _ signature: Signature = .none, takesNoNames: Bool = true,
        givesView: Bool = false, _ apply: @escaping @Sendable (Call) throws(Faults) -> Value?
    ) {
        self.name = name
        self.signature = signature
        self.takesNoNames = takesNoNames
        self.givesView = givesView
        self.apply = apply
    }

    static let all: [String: Method] = {
        var all: [String: Method] = [:]
        for method in list { all[method.name] = method }
        return all
    }()

    private static let list: [Method] = [
        Method("items", givesView: true) { (call) throws(Faults) in try items(call) },
        Method("keys", givesView: true) { (call) throws(Faults) in
            .list(try call.map().keys.map(Value.string))
        },
        Method("values", givesView: true) { (call) throws(Faults) in
            .list(try call.map().pairs.map(\.value))
        },
        Method("get", Signature(["key", "default"], required: 1)) { (call) throws(Faults) in
            let map = try call.map()
            guard case .string(let key) = call.argument(0) else {
                throw call.fault("\(call.argument(0).kindText) as a map's key")
            }
            return map[key] ?? call.argument(1)
        },
        Method("upper") { (call) throws(Faults) in
            .string(try Filter.cased(call.string(), upper: true, call))
        },
        Method("lower") { (call) throws(Faults) in
            .string(try Filter.cased(call.string(), upper: false, call))
        },
        Method("strip", Signature(["chars"])) { (call) throws(Faults) in
            .string(PythonText.strip(try call.string(), characters: try characters(call)))
        },
        Method("lstrip", Signature(["chars"])) { (call) throws(Faults) in
            .string(
                PythonText.strip(
                    try call.string(), characters: try characters(call), trailing: false))
        },
        Method("rstrip", Signature(["chars"])) { (call) throws(Faults) in
            .string(
                PythonText.strip(
                    try call.string(), characters: try characters(call), leading: false))
        },
        Method(
            "split", Signature(["sep", "maxsplit"]), takesNoNames: false
        ) { (call) throws(Faults) in try split(call) },
        Method("splitlines") { (call) throws(Faults) in
            .list(PythonText.lines(try call.string()).map(Value.string))
        },
        Method("startswith", Signature(["prefix"], required: 1)) { (call) throws(Faults) in
            .bool(Array(try call.string().utf8).starts(with: try text(call, 0).utf8))
        },
        Method("endswith", Signature(["suffix"], required: 1)) { (call) throws(Faults) in
            .bool(
                try call.string().utf8.reversed().starts(with: try text(call, 0).utf8.reversed()))
        },
        Method(
            "replace", Signature(["old", "new", "count"], required: 2)
        ) { (call) throws(Faults) in
            .string(
                try Filter.replaced(
                    call.string(), text(call, 0), text(call, 1), count: call.integer(2), call))
        },
        Method("join", Signature(["iterable"], required: 1)) { (call) throws(Faults) in
            let separator = try call.string()
            var texts: [String] = []
            for element in try call.evaluator.elements(of: call.argument(0), call.node) {
                guard case .string(let text) = element else {
                    throw call.fault(
                        "\(element.kindText) among strings to join",
                        hint: "the filter join takes numbers too: … | join('…')")
                }
                texts.append(text)
            }
            return .string(texts.joined(separator: separator))
        },
        Method("removeprefix", Signature(["prefix"], required: 1)) { (call) throws(Faults) in
            let string = try call.string()
            let prefix = try text(call, 0)
            guard Array(string.utf8).starts(with: prefix.utf8) else { return .string(string) }
            return .string(
                String(decoding: string.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
        },
        Method("removesuffix", Signature(["suffix"], required: 1)) { (call) throws(Faults) in
            let string = try call.string()
            let suffix = try text(call, 0)
            guard string.utf8.reversed().starts(with: suffix.utf8.reversed()) else {
                return .string(string)
            }
            return .string(
                String(decoding: string.utf8.dropLast(suffix.utf8.count), as: UTF8.self))
        },
        Method("zfill", Signature(["width"], required: 1)) { (call) throws(Faults) in
            let text = try call.string()
            let width = try call.integer(0) ?? 0
            try call.evaluator.check(size: width, call.node)
            let padding = max(0, width - text.unicodeScalars.count)
            let zeros = String(repeating: "0", count: padding)
            if let sign = text.unicodeScalars.first, sign == "-" || sign == "+" {
                return .string(
                    String(sign) + zeros + PythonText.string(text.unicodeScalars.dropFirst()))
            }
            return .string(zeros + text)
        },
    ]

    private static func text(_ call: Call, _ index: Int) throws(Faults) -> String {
        try call.string(index) ?? ""
    }

    private static func characters(_ call: Call) throws(Faults) -> String? {
        call.argument(0) == .null ? nil : try call.string(0)
    }

    /// The pairs of a map.
    ///
    /// In Python they are tuples.
    static func items(_ call: Call) throws(Faults) -> Value {
        call.evaluator.madeTuples = true
        return .list(try call.map().pairs.map { .list([.string($0.key), $0.value]) })
    }

    static func split(_ call: Call) throws(Faults) -> Value {
        let text = try call.string()
        let limit = try call.integer(1).flatMap { $0 < 0 ? nil : $0 }
        guard call.argument(0) != .null, let separator = try call.string(0) else {
            return .list(PythonText.words(text, limit: limit).map(Value.string))
        }
        guard !separator.isEmpty else { throw call.fault("an empty separator") }
        return .list(PythonText.split(text, by: separator, limit: limit).map(Value.string))
    }
}
