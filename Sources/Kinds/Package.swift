import FleetModel
import Wire

/// A declared `package`.
package struct PackageDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .package, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
