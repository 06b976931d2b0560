import FleetModel
import Wire

/// A declared `service`.
package struct ServiceDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .service, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
