/// A JSON value: for sending, storing and output for programs.
///
/// Integers and other numbers are separate cases, so that 1 and 1.0 stay distinct.
package indirect enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(nilLiteral: ()) { self = .null }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

extension JSON {
    /// The string, or nil for any other kind of value.
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The integer, or nil for any other kind of value.
    package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    /// The number, integers included.
    package var double: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
    /// The truth value, or nil for any other kind of value.
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements, or nil for any other kind of value.
    package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    /// The members, or nil for any other kind of value.
    package var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

    package subscript(_ key: String) -> JSON? { object?[key] }

    /// An object without the members that are nil.
    package static func compact(_ members: [String: JSON?]) -> JSON {
        .object(members.compactMapValues { $0 })
    }

    /// A string, or nothing.
    package static func optional(_ value: String?) -> JSON? { value.map { .string($0) } }

    /// An array of strings.
    package static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }
}

/// A fault of a JSON text, or a JSON value of an unexpected form.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in words.
    package let message: String
    /// The byte offset of the fault in the text; nil for a fault of a value.
    package let offset: Int?

    package init(_ message: String, offset: Int? = nil) {
        self.message = message
        self.offset = offset
    }

    package var description: String { offset.map { "\(message) at byte \($0)" } ?? message }
}
