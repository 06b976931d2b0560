import FleetModel
import Wire

/// A declared `directory`.
package struct DirectoryDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .directory, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
