import FleetModel
import Wire

/// A declared `packageRepository`.
package struct PackageRepositoryDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .packageRepository, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
