import Diagnostics
import Kinds
import Values
import Wire

/// One parameter of a role, as declared in role.yaml.
package struct ParameterDefinition: Sendable {
    package var name: String
    package var place: Place
    package var type: ValueType
    /// Whether the value may be null; then null is also the value if none is given.
    package var isOptional: Bool
    package var defaultSource: ValueSource?
    /// The bounds of a number, a size in bytes, or a duration in seconds.
    package var minimum: Double?
    package var maximum: Double?
    package var summary: String
    /// A further inventory variable that sets the parameter, besides the role's own map.
    package var inventoryName: String?

    /// The fault of a value of the right type that is not allowed; nil if it is allowed.
    func fault(of value: Value) -> ValueFault? {
        if case .list(let elements) = value.revealed {
            return elements.lazy.compactMap(fault).first
        }
        let number: Double? =
            switch value.revealed {
            case .integer(let value): Double(value)
            case .number(let value): value
            default: nil
            }
        guard let number else { return nil }
        let shown = value.holdsSecret ? "it" : value.json.canonicalText
        if let minimum, number < minimum {
            return ValueFault("\(shown) is too small: the minimum is \(Self.text(minimum))")
        }
        if let maximum, number > maximum {
            return ValueFault("\(shown) is too large: the maximum is \(Self.text(maximum))")
        }
        return nil
    }

    private static func text(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }
}
