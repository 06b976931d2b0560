import Diagnostics
import Kinds
import Values
import Wire

/// One parameter of a role, as role.yaml declares it.
package struct ParameterDefinition: Sendable {
    package var name: String
    package var place: Place
    package var type: ValueType
    /// Whether it may be null; then null is also its value where nothing gives one.
    package var isOptional: Bool
    package var defaultSource: ValueSource?
    /// Bounds of a number, a size in bytes or a duration in seconds.
    package var minimum: Double?
    package var maximum: Double?
    package var summary: String
    /// The inventory variable that gives it, besides the role's own map.
    package var inventoryName: String?

    /// Why a value of the right type is still not allowed; nil where it is.
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
            return ValueFault("\(shown) is too small: the least is \(Self.text(minimum))")
        }
        if let maximum, number > maximum {
            return ValueFault("\(shown) is too large: the most is \(Self.text(maximum))")
        }
        return nil
    }

    private static func text(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }
}
