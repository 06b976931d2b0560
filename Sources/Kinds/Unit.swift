import FleetModel
import Wire

/// A declared `unit`.
package struct UnitDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .unit, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
