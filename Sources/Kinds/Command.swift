import FleetModel
import Wire

/// A declared `command`.
package struct CommandDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .command, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
