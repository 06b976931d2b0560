import Wire

/// A value of the controller: of variables, templates and parameters.
package enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([Value])
    case map(ValueMap)
    /// A value that must not be shown; everything computed from it is secret too.
    indirect case secret(Value)
}

/// A map with string keys that keeps the order of its keys.
package struct ValueMap: Sendable, Hashable {
    /// The keys in order.
    package private(set) var keys: [String] = []
    private var values: [String: Value] = [:]

    package init() {}

    package init(_ pairs: some Sequence<(String, Value)>) {
        for (key, value) in pairs { self[key] = value }
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    /// Reads or sets a key, or removes it with nil; a new key is added at the end.
    package subscript(_ key: String) -> Value? {
        get { values[key] }
        set {
            let before = values[key]
            values[key] = newValue
            if newValue != nil, before == nil { keys.append(key) }
            if newValue == nil, before != nil { keys.removeAll { $0 == key } }
        }
    }

    /// The keys and values in order.
    package var pairs: [(key: String, value: Value)] {
        keys.compactMap { key in values[key].map { (key, $0) } }
    }

    /// Equal if both have the same keys and values, in any order.
    package static func == (left: ValueMap, right: ValueMap) -> Bool { left.values == right.values }

    package func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension Value {
    /// Whether the value is or contains a secret.
    package var holdsSecret: Bool {
        switch self {
        case .secret: true
        case .list(let elements): elements.contains(where: \.holdsSecret)
        case .map(let map): map.pairs.contains { $0.value.holdsSecret }
        default: false
        }
    }

    /// The value inside a secret; any other value itself.
    package var revealed: Value {
        if case .secret(let inner) = self { inner.revealed } else { self }
    }

    /// The type of the value for messages: `a string`, `a list`.
    package var kindText: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .list: "a list"
        case .map: "a map"
        case .secret: "a secret"
        }
    }

    /// The JSON form with secrets revealed: only for data sent to the host, never for output.
    package var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .string(let value): .string(value)
        case .list(let elements): .array(elements.map(\.json))
        case .map(let map):
            .object(Dictionary(uniqueKeysWithValues: map.pairs.map { ($0.key, $0.value.json) }))
        case .secret(let value): value.json
        }
    }

    /// Converts a JSON value; members are ordered by the bytes of their keys.
    package init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(value)
        case .array(let elements): self = .list(elements.map(Value.init))
        case .object(let members):
            let keys = members.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            self = .map(ValueMap(keys.map { ($0, Value(members[$0] ?? .null)) }))
        }
    }
}
