import FleetModel
import Wire

/// A declared `group`.
package struct GroupDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .group, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
