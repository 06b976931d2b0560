import FleetModel
import Wire

/// A declared `line`.
package struct LineDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .line, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
