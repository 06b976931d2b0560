import Diagnostics
import Values

extension Filter {
    static let maps: [Filter] = [
        Filter("items", keepsMembers: true) { (call) throws(Faults) in try Method.items(call) },
        Filter(
            "dictsort", Signature(["case_sensitive", "by", "reverse"])
        ) { (call) throws(Faults) in
            let by = try call.string(1) ?? "key"
            guard by == "key" || by == "value" else {
                throw call.fault("a map is sorted by \"key\" or by \"value\"")
            }
            let pairs = try Method.items(call)
            guard case .list(let elements) = pairs else { return pairs }
            return .list(
                try sorted(
                    elements, by: [[.index(by == "key" ? 0 : 1)]], isCaseSensitive: call.bool(0),
                    reversed: call.bool(2), call))
        },
        Filter(
            "dict2items", Signature(["key_name", "value_name"]), keepsMembers: true
        ) { (call) throws(Faults) in
            let key = try call.string(0) ?? "key"
            let value = try call.string(1) ?? "value"
            return .list(
                try call.map().pairs.map {
                    .map(ValueMap([(key, .string($0.key)), (value, $0.value)]))
                })
        },
        Filter(
            "items2dict", Signature(["key_name", "value_name"]), keepsMembers: true
        ) { (call) throws(Faults) in
            let key = try call.string(0) ?? "key"
            let value = try call.string(1) ?? "value"
            var map = ValueMap()
            for element in try call.list() {
                guard case .map(let pair) = call.evaluator.open(element),
                    case .string(let name)? = pair[key].map(call.evaluator.open),
                    let member = pair[value]
                else {
                    throw call.fault(
                        "an element without \"\(key)\" (a string) and \"\(value)\"")
                }
                map[name] = member
            }
            return .map(map)
        },
        Filter(
            "combine", Signature(takesMore: true, named: ["recursive", "list_merge"]),
            keepsMembers: true
        ) { (call) throws(Faults) in .map(try merged(call)) },
    ]

    /// `combine`: the later map wins.
    ///
    /// Its maps are given by position, its settings by name.
    private static func merged(_ call: Call) throws(Faults) -> ValueMap {
        var maps: [ValueMap] = []
        for value in [call.value] + call.rest {
            switch call.evaluator.open(value) {
            case .map(let map): maps.append(map)
            case .list(let elements):
                for element in elements {
                    guard case .map(let map) = call.evaluator.open(element) else {
                        throw call.fault("combine of a value that is not a map")
                    }
                    maps.append(map)
                }
            default: throw call.fault("combine of a value that is not a map")
            }
        }
        let recursive = try call.bool(0)
        if let merge = try call.string(1), merge != "replace" {
            throw call.fault(
                "list_merge other than \"replace\"", hint: "join the lists with \"+\" first")
        }
        guard var result = maps.first else { return ValueMap() }
        for map in maps.dropFirst() { result = merge(result, map, recursive, call.evaluator) }
        return result
    }

    private static func merge(
        _ low: ValueMap, _ high: ValueMap, _ isRecursive: Bool, _ evaluator: Evaluator
    ) -> ValueMap {
        // Ansible returns one of the maps itself if the other is empty or both are equal.
        if low.isEmpty { return high }
        var result = low
        for (key, value) in high.pairs {
            if isRecursive, let before = result[key],
                case .map(let lower) = evaluator.open(before),
                case .map(let higher) = evaluator.open(value)
            {
                result[key] = .map(merge(lower, higher, true, evaluator))
            } else {
                result[key] = value
            }
        }
        return result
    }
}
