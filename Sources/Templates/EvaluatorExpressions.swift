import Diagnostics
import Values

extension Evaluator {
    /// The value of a node; nil if it is undefined.
    func optional(_ node: Node) throws(Faults) -> Value? {
        switch node.form {
        case .constant(let value): return value
        case .name(let name): return try lookup(name, node)
        case .attribute(let base, let name): return try attribute(base, name, node)
        case .subscripted(let base, let key):
            guard let value = try optional(base) else { return nil }
            return try element(of: value, self.value(key), node)
        case .slice(let base, let start, let end, let step):
            guard let value = try optional(base) else { return nil }
            return try slice(value, start, end, step, node)
        case .list(let elements), .tuple(let elements):
            var values: [Value] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try value(element)) }
            return .list(values)
        case .map(let pairs): return try map(pairs)
        case .not(let operand): return .bool(!(try isTrue(value(operand), operand)))
        case .negated(let operand): return try negated(value(operand), node)
        case .positive(let operand): return try number(value(operand), node)
        case .both(let left, let right):
            let value = try value(left)
            return try isTrue(value, left) ? try self.value(right) : value
        case .either(let left, let right):
            let value = try value(left)
            return try isTrue(value, left) ? value : try self.value(right)
        case .comparison(let first, let operands): return try compared(first, operands)
        case .arithmetic(let operation, let left, let right):
            return try arithmetic(operation, left, right, node)
        case .concatenation(let parts):
            var text = ""
            for part in parts { text += try splice(value(part), part) }
            try check(size: text.utf8.count, node)
            return .string(text)
        case .conditional(let condition, let then, let otherwise):
            if try isTrue(value(condition), condition) { return try optional(then) }
            return try otherwise.flatMap { (node) throws(Faults) in try optional(node) }
        case .filtered(let subject, let filter, let arguments):
            return try filtered(subject, filter, arguments, node)
        case .mappedAttribute(let subject, let path, let fallback):
            return try mapped(subject, path, fallback, node)
        case .mappedFilter(let subject, let filter, let arguments):
            return try mapped(subject, filter, arguments, node)
        case .selection(let subject, let path, let test, let keeps):
            return try selected(subject, path, test, keeps, node)
        case .tested(let subject, let use):
            let value = use.test.takesUndefined ? try optional(subject) : try self.value(subject)
            return .bool(try holds(use, value, node))
        case .method(let subject, let method, let arguments):
            let value = openAll(try self.value(subject))
            let call = Call(
                self, value, try bound(arguments.bound), try bound(arguments.rest), node)
            return try method.apply(call)
        case .range(let arguments): return try range(arguments, node)
        case .namespace:
            throw fault(
                "template-type", "a namespace outside of a set", at: node,
                hint: "{% set ns = namespace(found=false) %}")
        case .loop(let field, let arguments): return try loopValue(field, arguments, node)
        }
    }

    /// The values of arguments; nil for an argument that was not given.
    func bound(_ arguments: [Node?]) throws(Faults) -> [Value?] {
        var values: [Value?] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments {
            guard let argument else {
                values.append(nil)
                continue
            }
            values.append(openAll(try value(argument)))
        }
        return values
    }

    private func bound(_ arguments: [Node]) throws(Faults) -> [Value] {
        var values: [Value] = []
        for argument in arguments { values.append(openAll(try value(argument))) }
        return values
    }

    // MARK: Members

    private func attribute(
        _ base: Node, _ name: String, _ node: Node
    ) throws(Faults) -> Value? {
        if case .name(let baseName) = base.form, let namespace = namespace(baseName) {
            return namespace.members[name].map(open)
        }
        guard let value = try optional(base) else { return nil }
        if case .map(let map) = value {
            if PythonNames.ofMaps.contains(name) {
                throw fault(
                    "template-name", "\".\(name)\" of a map is a method in Jinja2", at: node,
                    hint: "read the member as ['\(name)'], or call \(name)()")
            }
            return map[name].map(open)
        }
        if PythonNames.ofOthers.contains(name) {
            throw fault(
                "template-name", "\".\(name)\" of \(value.kindText) is a method in Jinja2",
                at: node,
                hint: Method.all[name] == nil ? nil : "call it: \(name)()")
        }
        return nil
    }

    /// The value of a subscript; nil if there is none.
    func element(of value: Value, _ key: Value, _ node: Node) throws(Faults) -> Value? {
        switch (value, key) {
        case (.map(let map), .string(let key)):
            if let value = map[key] { return open(value) }
            if PythonNames.ofMaps.contains(key) {
                throw fault(
                    "template-name",
                    "the map has no \"\(key)\", and Jinja2 gives its method of that name",
                    at: node, hint: "ask first: '\(key)' in …")
            }
            return nil
        case (.list(let elements), .integer(let index)):
            let position = index < 0 ? index + elements.count : index
            return elements.indices.contains(position) ? open(elements[position]) : nil
        case (.string(let text), .integer(let index)):
            let scalars = text.unicodeScalars
            let position = index < 0 ? index + scalars.count : index
            guard position >= 0, position < scalars.count else { return nil }
            return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: position)]))
        default:
            throw fault(
                "template-type", "\(value.kindText) cannot be read with \(key.kindText)", at: node)
        }
    }

    /// Follows `attribute='a.0.b'`; nil if a part of the path is missing.
    func follow(
        _ path: [PathPart], from value: Value, fallback: Value? = nil, _ node: Node
    ) throws(Faults) -> Value? {
        var current = open(value)
        for part in path {
            let key: Value =
                switch part {
                case .key(let key): .string(key)
                case .index(let index): .integer(index)
                }
            if case .key = part, case .map = current {
            } else if case .index = part, case .list = current {
            } else if case .index = part, case .string = current {
            } else {
                if let fallback {
                    current = fallback
                    continue
                }
                return nil
            }
            guard let next = try element(of: current, key, node) ?? fallback else { return nil }
            current = next
        }
        return current
    }

    private func slice(
        _ value: Value, _ start: Node?, _ end: Node?, _ step: Node?, _ node: Node
    ) throws(Faults) -> Value {
        let step = try sliceBound(step) ?? 1
        guard step != 0 else { throw fault("template-type", "a slice with step 0", at: node) }
        let start = try sliceBound(start)
        let end = try sliceBound(end)
        switch value {
        case .list(let elements):
            let indices = Self.indices(elements.count, start, end, step)
            return .list(indices.map { elements[$0] })
        case .string(let text):
            let scalars = Array(text.unicodeScalars)
            let indices = Self.indices(scalars.count, start, end, step)
            return .string(PythonText.string(indices.map { scalars[$0] }))
        default:
            throw fault("template-type", "\(value.kindText) has no slices", at: node)
        }
    }

    private func sliceBound(_ node: Node?) throws(Faults) -> Int? {
        guard let node else { return nil }
        switch try value(node) {
        case .null: return nil
        case .integer(let value): return value
        case let other:
            throw fault("template-type", "\(other.kindText) as a slice's bound", at: node)
        }
    }

    /// The indices of Python's `[start:end:step]`.
    private static func indices(_ count: Int, _ start: Int?, _ end: Int?, _ step: Int) -> [Int] {
        func clamped(_ index: Int, _ low: Int, _ high: Int) -> Int {
            let absolute = index < 0 ? index.addingReportingOverflow(count).partialValue : index
            return min(max(absolute, low), high)
        }
        if step > 0 {
            let from = start.map { clamped($0, 0, count) } ?? 0
            let to = end.map { clamped($0, 0, count) } ?? count
            return Array(stride(from: from, to: to, by: step))
        }
        let from = start.map { clamped($0, -1, count - 1) } ?? count - 1
        let to = end.map { clamped($0, -1, count - 1) } ?? -1
        return Array(stride(from: from, to: to, by: step))
    }

    private func map(_ pairs: [(key: Node, value: Node)]) throws(Faults) -> Value {
        var map = ValueMap()
        for pair in pairs {
            let key = try value(pair.key)
            guard case .string(let name) = key else {
                throw fault(
                    "template-type", "a map key that is \(key.kindText)", at: pair.key,
                    hint: "keys are strings")
            }
            map[name] = try value(pair.value)
        }
        return .map(map)
    }

    // MARK: Iteration

    /// The elements that a `for` or a filter iterates over.
    func iterated(_ node: Node) throws(Faults) -> [Value] {
        try elements(of: value(node), node)
    }

    func elements(of value: Value, _ node: Node) throws(Faults) -> [Value] {
        switch value {
        case .list(let elements): return elements
        case .map(let map): return map.keys.map(Value.string)
        default:
            throw fault(
                "template-type", "\(value.kindText) is not a list to loop over", at: node,
                hint: value.kindText == "a string" ? "for its characters add \"| list\"" : nil)
        }
    }

    private func range(_ arguments: Arguments, _ node: Node) throws(Faults) -> Value {
        var numbers: [Int] = []
        for argument in arguments.bound {
            guard let argument else { continue }
            guard case .integer(let number) = try value(argument) else {
                throw fault("template-type", "range takes integers", at: argument)
            }
            numbers.append(number)
        }
        let start = numbers.count > 1 ? numbers[0] : 0
        let stop = numbers.count > 1 ? numbers[1] : numbers[0]
        let step = numbers.count > 2 ? numbers[2] : 1
        guard step != 0 else { throw fault("template-type", "range with step 0", at: node) }
        let values = stride(from: start, to: stop, by: step)
        // The count is computed without making the numbers: a range may be larger than memory.
        let distance = Double(stop) - Double(start)
        guard distance / Double(step) <= Double(Limits.range) else {
            throw fault(
                "template-limit", "a range of more than \(Limits.range) numbers", at: node)
        }
        return .list(values.map(Value.integer))
    }

    private func loopValue(
        _ field: LoopField, _ arguments: Arguments, _ node: Node
    ) throws(Faults) -> Value? {
        guard let loop = loops.last else {
            throw fault("undefined-name", "\"loop\" outside a for", at: node)
        }
        let count = loop.elements.count
        switch field {
        case .index: return .integer(loop.index + 1)
        case .index0: return .integer(loop.index)
        case .revindex: return .integer(count - loop.index)
        case .revindex0: return .integer(count - loop.index - 1)
        case .first: return .bool(loop.index == 0)
        case .last: return .bool(loop.index == count - 1)
        case .length: return .integer(count)
        case .depth: return .integer(1)
        case .depth0: return .integer(0)
        case .previtem: return loop.index > 0 ? open(loop.elements[loop.index - 1]) : nil
        case .nextitem: return loop.index + 1 < count ? open(loop.elements[loop.index + 1]) : nil
        case .cycle:
            let values = try bound(arguments.rest)
            return values[loop.index % values.count]
        case .changed:
            let values = try bound(arguments.rest)
            if let before = loop.changed, before.count == values.count {
                var isSame = true
                for (a, b) in zip(before, values) where isSame { isSame = try equal(a, b, node) }
                if isSame { return .bool(false) }
            }
            loops[loops.count - 1].changed = values
            return .bool(true)
        }
    }

    // MARK: Filters and tests

    private func filtered(
        _ subject: Node, _ filter: Filter, _ arguments: Arguments, _ node: Node
    ) throws(Faults) -> Value? {
        if filter.takesUndefined { return try orDefault(optional(subject), arguments, node) }
        return try apply(filter, arguments, to: value(subject), node)
    }

    /// `default`: its argument is always evaluated, as in Jinja2, and may itself be undefined.
    private func orDefault(
        _ value: Value?, _ arguments: Arguments, _ node: Node
    ) throws(Faults) -> Value? {
        var fallback: Value? = .string("")
        if let argument = arguments.bound[0] { fallback = try optional(argument) }
        var replacesFalse = false
        if let argument = arguments.bound[1] {
            replacesFalse = try isTrue(self.value(argument), argument)
        }
        guard let value else { return fallback }
        return replacesFalse && !Self.truth(value) ? fallback : value
    }

    private func apply(
        _ filter: Filter, _ arguments: Arguments, to value: Value, _ node: Node
    ) throws(Faults) -> Value? {
        try step(node)
        let value = filter.keepsMembers ? open(value) : openAll(value)
        return try filter.apply(
            Call(self, value, bound(arguments.bound), bound(arguments.rest), node))
    }

    private func mapped(
        _ subject: Node, _ filter: Filter, _ arguments: Arguments, _ node: Node
    ) throws(Faults) -> Value {
        var results: [Value] = []
        let values = try iterated(subject)
        try step(node, values.count)
        for element in values {
            if filter.takesUndefined {
                guard let result = try orDefault(open(element), arguments, node) else {
                    throw undefined(node)
                }
                results.append(result)
                continue
            }
            guard let result = try apply(filter, arguments, to: element, node) else {
                throw undefined(node)
            }
            results.append(result)
        }
        return .list(results)
    }

    private func mapped(
        _ subject: Node, _ path: [PathPart], _ fallback: Node?, _ node: Node
    ) throws(Faults) -> Value {
        let fallback = try fallback.map { (node) throws(Faults) in try value(node) }
        var results: [Value] = []
        let values = try iterated(subject)
        try step(node, values.count)
        for (index, element) in values.enumerated() {
            // In Jinja2 a default of none is the same as no default.
            let usable = fallback == .null ? nil : fallback
            guard let result = try follow(path, from: element, fallback: usable, node) else {
                throw missing(path, index, node)
            }
            results.append(result)
        }
        return .list(results)
    }

    private func missing(_ path: [PathPart], _ index: Int, _ node: Node) -> Faults {
        fault(
            "undefined-name", "element \(index) has no \"\(Self.text(path))\"", at: node,
            hint: "map(attribute='\(Self.text(path))', default=…), or selectattr first")
    }

    private static func text(_ path: [PathPart]) -> String {
        path.map {
            switch $0 {
            case .key(let key): key
            case .index(let index): String(index)
            }
        }.joined(separator: ".")
    }

    private func selected(
        _ subject: Node, _ path: [PathPart], _ use: TestUse?, _ keeps: Bool, _ node: Node
    ) throws(Faults) -> Value {
        var results: [Value] = []
        let values = try iterated(subject)
        try step(node, values.count)
        for (index, element) in values.enumerated() {
            let value =
                path.isEmpty ? open(element) : try follow(path, from: element, node)
            let holds: Bool
            if let use {
                if value == nil, !use.test.takesUndefined { throw missing(path, index, node) }
                holds = try self.holds(use, value, node)
            } else {
                guard let value else { throw missing(path, index, node) }
                holds = try isTrue(value, node)
            }
            if holds == keeps { results.append(element) }
        }
        return .list(results)
    }

    private func holds(_ use: TestUse, _ value: Value?, _ node: Node) throws(Faults) -> Bool {
        let arguments = try bound(use.arguments.bound)
        let rest = try bound(use.arguments.rest)
        guard let value else {
            guard let result = use.test.ofUndefined else { throw undefined(node) }
            return result
        }
        return try use.test.apply(
            Call(self, use.test.takesUndefined ? value : openAll(value), arguments, rest, node))
    }
}
