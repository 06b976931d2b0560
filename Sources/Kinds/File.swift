import FleetModel
import Wire

/// A declared `file`.
package struct FileDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .file, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
