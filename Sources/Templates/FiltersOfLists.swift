import Diagnostics
import Values

extension Filter {
    static let lists: [Filter] = [
        Filter("length", takesViews: true, keepsMembers: true) { (call) throws(Faults) in
            switch call.value {
            case .string(let text): .integer(text.unicodeScalars.count)
            case .list(let elements): .integer(elements.count)
            case .map(let map): .integer(map.count)
            default: throw call.fault("\(call.value.kindText) has no length")
            }
        },
        Filter("list", takesViews: true, keepsMembers: true) { (call) throws(Faults) in
            if case .string(let text) = call.value {
                return .list(text.unicodeScalars.map { .string(String($0)) })
            }
            return .list(try call.elements())
        },
        Filter("first", takesViews: true, keepsMembers: true) { (call) throws(Faults) in
            if case .string(let text) = call.value {
                return text.unicodeScalars.first.map { .string(String($0)) }
            }
            return try call.elements().first.map(call.evaluator.open)
        },
        Filter("last", takesViews: true, keepsMembers: true) { (call) throws(Faults) in
            if case .string(let text) = call.value {
                return text.unicodeScalars.last.map { .string(String($0)) }
            }
            return try call.elements().last.map(call.evaluator.open)
        },
        Filter("reverse", takesViews: true, keepsMembers: true) { (call) throws(Faults) in
            if case .string(let text) = call.value {
                return .string(PythonText.string(text.unicodeScalars.reversed()))
            }
            return .list(try call.elements().reversed())
        },
        Filter("join", Signature(["d", "attribute"]), takesViews: true) { (call) throws(Faults) in
            let path = try call.path(1)
            var texts: [String] = []
            for element in try call.elements() {
                let value = path.isEmpty ? element : try call.follow(path, from: element)
                texts.append(try call.evaluator.splice(value, call.node))
            }
            let separator = try call.text(0) ?? ""
            try call.evaluator.check(
                size: texts.reduce(texts.count * separator.utf8.count) { $0 + $1.utf8.count },
                call.node)
            return .string(texts.joined(separator: separator))
        },
        Filter(
            "sort", Signature(["reverse", "case_sensitive", "attribute"]), takesViews: true
        ) { (call) throws(Faults) in
            let paths = try sortPaths(call, 2)
            return .list(
                try sorted(
                    call.elements(), by: paths, isCaseSensitive: call.bool(1),
                    reversed: call.bool(0), call))
        },
        Filter(
            "min", Signature(["case_sensitive", "attribute"]), takesViews: true
        ) { (call) throws(Faults) in try extreme(call, wantsGreater: false) },
        Filter(
            "max", Signature(["case_sensitive", "attribute"]), takesViews: true
        ) { (call) throws(Faults) in try extreme(call, wantsGreater: true) },
        Filter("sum", Signature(["attribute", "start"]), takesViews: true) {
            (call) throws(Faults) in
            try sum(call)
        },
        Filter(
            "unique", Signature(["case_sensitive", "attribute"]), takesViews: true
        ) { (call) throws(Faults) in
            let path = try call.path(1)
            let isCaseSensitive = try call.bool(0)
            var seen: Set<ElementKey> = []
            var result: [Value] = []
            for element in try call.elements() {
                let value = path.isEmpty ? element : try call.follow(path, from: element)
                let key = try ElementKey(value, isCaseSensitive: isCaseSensitive, call)
                if seen.insert(key).inserted { result.append(element) }
            }
            return .list(result)
        },
        Filter("union", Signature(["b"], required: 1), takesViews: true) { (call) throws(Faults) in
            try combined(call) { (_, _) in true }
        },
        Filter(
            "intersect", Signature(["b"], required: 1), takesViews: true
        ) { (call) throws(Faults) in try combined(call) { $0 && $1 } },
        Filter(
            "difference", Signature(["b"], required: 1), takesViews: true
        ) { (call) throws(Faults) in try combined(call) { $0 && !$1 } },
        Filter(
            "symmetric_difference", Signature(["b"], required: 1), takesViews: true
        ) { (call) throws(Faults) in try combined(call) { $0 != $1 } },
        Filter(
            "batch", Signature(["linecount", "fill_with"], required: 1), takesViews: true,
            keepsMembers: true
        ) { (call) throws(Faults) in
            let size = try call.integer(0) ?? 1
            guard size > 0 else { throw call.fault("rows of \(size) elements") }
            try call.evaluator.check(size: size, call.node)
            var rows: [Value] = []
            var rest = try call.elements()[...]
            while !rest.isEmpty {
                var row = Array(rest.prefix(size))
                rest = rest.dropFirst(size)
                if call.argument(1) != .null {
                    row += repeatElement(call.argument(1), count: size - row.count)
                }
                rows.append(.list(row))
            }
            return .list(rows)
        },
        Filter(
            "flatten", Signature(["levels", "skip_nulls"]), takesViews: true, keepsMembers: true
        ) { (call) throws(Faults) in
            let levels = call.argument(0) == .null ? nil : try call.integer(0)
            let skips = try call.bool(1, default: true)
            return .list(flattened(try call.list(), levels, skips, call.evaluator))
        },
        Filter(
            "zip", Signature(takesMore: true), takesViews: true, keepsMembers: true
        ) { (call) throws(Faults) in
            call.evaluator.madeTuples = true
            var columns = [try call.elements()]
            for other in call.rest {
                columns.append(try call.evaluator.elements(of: other, call.node))
            }
            let count = columns.map(\.count).min() ?? 0
            return .list((0..<count).map { row in .list(columns.map { $0[row] }) })
        },
    ]

    // MARK: Order

    /// `attribute='a,b.c'` of sort: several paths.
    private static func sortPaths(_ call: Call, _ index: Int) throws(Faults) -> [[PathPart]] {
        guard case .string(let text)? = call.arguments[index] else {
            return [try call.path(index)]
        }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { path in
            path.split(separator: ".", omittingEmptySubsequences: false).map {
                Int($0).flatMap { $0 >= 0 ? .index($0) : nil } ?? .key(String($0))
            }
        }
    }

    /// A sort key: Python compares numbers with numbers and strings with strings.
    private static func sortKey(
        _ value: Value, isCaseSensitive: Bool, _ call: Call
    ) throws(Faults) -> Value {
        switch value {
        case .integer, .number: return value
        case .string(let text):
            return isCaseSensitive ? value : .string(try cased(text, upper: false, call))
        default: throw call.fault("\(value.kindText) has no order")
        }
    }

    static func sorted(
        _ elements: [Value], by paths: [[PathPart]], isCaseSensitive: Bool, reversed: Bool,
        _ call: Call
    ) throws(Faults) -> [Value] {
        var keyed: [(keys: [Value], index: Int)] = []
        try call.evaluator.step(call.node, elements.count)
        for (index, element) in elements.enumerated() {
            var keys: [Value] = []
            for path in paths {
                let value = path.isEmpty ? element : try call.follow(path, from: element)
                keys.append(try sortKey(value, isCaseSensitive: isCaseSensitive, call))
            }
            keyed.append((keys, index))
        }
        for column in paths.indices {
            let strings = keyed.count { if case .string = $0.keys[column] { true } else { false } }
            if strings != 0, strings != keyed.count {
                throw call.fault("strings and numbers have no order between them")
            }
        }
        keyed.sort {
            for (a, b) in zip($0.keys, $1.keys) {
                let order = Self.order(a, b)
                if order != 0 { return reversed ? order > 0 : order < 0 }
            }
            return $0.index < $1.index
        }
        return keyed.map { elements[$0.index] }
    }

    private static func order(_ a: Value, _ b: Value) -> Int {
        if case .string(let x) = a, case .string(let y) = b {
            return PythonText.precedes(x, y) ? -1 : PythonText.precedes(y, x) ? 1 : 0
        }
        guard let x = PythonNumber(strict: a), let y = PythonNumber(strict: b) else { return 0 }
        return x.order(y)
    }

    private static func extreme(_ call: Call, wantsGreater: Bool) throws(Faults) -> Value? {
        let path = try call.path(1)
        let isCaseSensitive = try call.bool(0)
        var best: (key: Value, value: Value)?
        for element in try call.elements() {
            let value = path.isEmpty ? element : try call.follow(path, from: element)
            let key = try sortKey(value, isCaseSensitive: isCaseSensitive, call)
            guard let current = best else {
                best = (key, element)
                continue
            }
            let isBetter =
                try wantsGreater
                ? call.evaluator.precedes(current.key, key, call.node)
                : call.evaluator.precedes(key, current.key, call.node)
            if isBetter { best = (key, element) }
        }
        return best?.value
    }

    // MARK: Sums and sets

    private static func sum(_ call: Call) throws(Faults) -> Value {
        let path = try call.path(0)
        var total = call.arguments[1] ?? .integer(0)
        guard PythonNumber(strict: total) != nil || total.kindText == "a list" else {
            throw call.fault("\(total.kindText) as the start of a sum")
        }
        for element in try call.elements() {
            let value = path.isEmpty ? element : try call.follow(path, from: element)
            switch (total, value) {
            case (.integer(let a), .integer(let b)):
                let (sum, overflow) = a.addingReportingOverflow(b)
                if overflow { throw call.evaluator.outOfRange(call.node) }
                total = .integer(sum)
            case (.list(let a), .list(let b)):
                try call.evaluator.check(size: a.count + b.count, call.node)
                total = .list(a + b)
            default:
                guard let a = PythonNumber(strict: total)?.double,
                    let b = PythonNumber(strict: value)?.double
                else {
                    throw call.fault("\(value.kindText) in a sum")
                }
                total = try exactSum(a, b, call)
            }
        }
        return total
    }

    /// Newer Python versions compensate the rounding error of a sum and older ones do not, so only
    /// sums without rounding are accepted.
    private static func exactSum(_ a: Double, _ b: Double, _ call: Call) throws(Faults) -> Value {
        let sum = a + b
        let (large, small) = a.magnitude >= b.magnitude ? (a, b) : (b, a)
        guard (large - sum) + small == 0 else {
            throw call.fault(
                "a sum of fractions that has to be rounded",
                hint: "add them in a loop, or sum whole numbers and divide")
        }
        return try call.evaluator.finite(sum, call.node)
    }

    /// The elements of both lists that a rule keeps, each once, in the order of their first
    /// appearance. (Ansible up to 2.18 returns them in undefined order.)
    private static func combined(
        _ call: Call, keeps: (_ isInFirst: Bool, _ isInSecond: Bool) -> Bool
    ) throws(Faults) -> Value {
        let first = try call.list()
        guard case .list(let second) = call.argument(0) else {
            throw call.fault("\(call.argument(0).kindText) where a list is needed")
        }
        let firstKeys = try keys(first, call)
        let secondKeys = try keys(second, call)
        let inFirst = Set(firstKeys)
        let inSecond = Set(secondKeys)
        var seen: Set<ElementKey> = []
        var result: [Value] = []
        for (element, key) in zip(first + second, firstKeys + secondKeys)
        where keeps(inFirst.contains(key), inSecond.contains(key)) && seen.insert(key).inserted {
            result.append(element)
        }
        return .list(result)
    }

    private static func keys(_ elements: [Value], _ call: Call) throws(Faults) -> [ElementKey] {
        var keys: [ElementKey] = []
        for element in elements {
            keys.append(try ElementKey(element, isCaseSensitive: true, call))
        }
        return keys
    }

    private static func flattened(
        _ elements: [Value], _ levels: Int?, _ skipsNulls: Bool, _ evaluator: Evaluator
    ) -> [Value] {
        var result: [Value] = []
        for element in elements {
            switch evaluator.open(element) {
            case .null where skipsNulls: continue
            case .string("None") where skipsNulls, .string("null") where skipsNulls: continue
            case .list(let inner) where levels ?? 1 >= 1:
                result += flattened(inner, levels.map { $0 - 1 }, skipsNulls, evaluator)
            default: result.append(element)
            }
        }
        return result
    }
}

/// The identity of an element: Python's equality for values that can be in a set.
struct ElementKey: Hashable {
    private enum Kind: Hashable {
        case null
        case integer(Int)
        case number(Double)
        case text([UInt8])
    }

    private let kind: Kind

    init(_ value: Value, isCaseSensitive: Bool, _ call: Call) throws(Faults) {
        switch value {
        case .null: kind = .null
        case .bool(let value): kind = .integer(value ? 1 : 0)
        case .integer(let number): kind = .integer(number)
        case .number(let number):
            kind = Int(exactly: number).map(Kind.integer) ?? .number(number)
        case .string(let text):
            let folded = isCaseSensitive ? text : try Filter.cased(text, upper: false, call)
            kind = .text(Array(folded.utf8))
        default: throw call.fault("\(value.kindText) cannot be in a set of values")
        }
    }
}
