import FleetModel
import Kinds
import Linux
import Wire

/// Behaviour of `authorizedKey`.
package enum AuthorizedKeyBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {}

    package static func observe(
        _ declarations: [AuthorizedKeyDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        declarations.map { _ in .success(Observation()) }
    }

    package static func diff(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation
    ) -> Difference {
        .unknown("not written yet")
    }

    package static func beforeImages(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        []
    }

    package static func apply(
        _ declaration: AuthorizedKeyDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
    }
}
