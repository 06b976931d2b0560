import FleetModel
import Wire

/// A declared `user`.
package struct UserDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .user, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
