import FleetModel
import Wire

/// A declared `authorizedKey`.
package struct AuthorizedKeyDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .authorizedKey, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
