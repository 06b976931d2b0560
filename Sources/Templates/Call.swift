import Diagnostics
import Values

/// One application of a filter, test or method: the value, its arguments, and its node.
struct Call {
    let evaluator: Evaluator
    let value: Value
    /// One value per parameter; nil if it was not given.
    let arguments: [Value?]
    let rest: [Value]
    let node: Node

    init(
        _ evaluator: Evaluator, _ value: Value, _ arguments: [Value?], _ rest: [Value],
        _ node: Node
    ) {
        self.evaluator = evaluator
        self.value = value
        self.arguments = arguments
        self.rest = rest
        self.node = node
    }

    func fault(_ summary: String, hint: String? = nil) -> Faults {
        evaluator.fault("template-type", summary, at: node, hint: hint)
    }

    // MARK: The value

    /// The value as text; it has to be a string or a number.
    func text() throws(Faults) -> String { try evaluator.splice(value, node) }

    /// The value, which has to be a string.
    func string() throws(Faults) -> String {
        guard case .string(let text) = value else {
            throw fault("\(value.kindText) where a string is needed")
        }
        return text
    }

    func elements() throws(Faults) -> [Value] { try evaluator.elements(of: value, node) }

    func list() throws(Faults) -> [Value] {
        guard case .list(let elements) = value else {
            throw fault("\(value.kindText) where a list is needed")
        }
        return elements
    }

    func map() throws(Faults) -> ValueMap {
        guard case .map(let map) = value else {
            throw fault("\(value.kindText) where a map is needed")
        }
        return map
    }

    // MARK: The arguments

    func has(_ index: Int) -> Bool { arguments[index] != nil }

    func argument(_ index: Int) -> Value { arguments[index] ?? .null }

    func string(_ index: Int) throws(Faults) -> String? {
        switch arguments[index] {
        case nil: return nil
        case .string(let text)?: return text
        case let other?: throw fault("\(other.kindText) as an argument that has to be a string")
        }
    }

    /// An argument as text; it has to be a string or a number; nil if it was not given.
    func text(_ index: Int) throws(Faults) -> String? {
        guard let value = arguments[index] else { return nil }
        return try evaluator.splice(value, node)
    }

    func integer(_ index: Int) throws(Faults) -> Int? {
        switch arguments[index] {
        case nil: return nil
        case .integer(let number)?: return number
        case let other?: throw fault("\(other.kindText) as an argument that has to be an integer")
        }
    }

    func bool(_ index: Int, default fallback: Bool = false) throws(Faults) -> Bool {
        switch arguments[index] {
        case nil: return fallback
        case .bool(let value)?: return value
        case let other?:
            throw fault("\(other.kindText) as an argument that has to be true or false")
        }
    }

    /// An `attribute=` argument as a path; empty if it was not given.
    func path(_ index: Int) throws(Faults) -> [PathPart] {
        switch arguments[index] {
        case nil, .null?: return []
        case .integer(let index)?: return [.index(index)]
        case .string(let text)?:
            return text.split(separator: ".", omittingEmptySubsequences: false).map {
                Int($0).flatMap { $0 >= 0 ? .index($0) : nil } ?? .key(String($0))
            }
        case let other?: throw fault("\(other.kindText) as an attribute's name")
        }
    }

    /// The value at a path in an element; throws a fault if it is missing.
    func follow(_ path: [PathPart], from element: Value) throws(Faults) -> Value {
        guard let value = try evaluator.follow(path, from: element, node) else {
            throw evaluator.fault(
                "undefined-name", "an element lacks the attribute", at: node,
                hint: "leave such elements out with selectattr")
        }
        return value
    }
}
