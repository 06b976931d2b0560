import FleetModel
import Wire

/// A declared `sysctl`.
package struct SysctlDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .sysctl, "", nameType: .string, nameSummary: "", attributes: [], example: "")

    package let name: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
    }

    package var owns: [Claim] { [] }
}
