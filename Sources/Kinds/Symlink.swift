import FleetModel
import Wire

/// A declared `symlink`.
package struct SymlinkDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .symlink, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
