import FleetModel
import Kinds
import Linux
import Wire

/// Behaviour of `symlink`.
package enum SymlinkBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {}

    package static func observe(
        _ declarations: [SymlinkDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        declarations.map { _ in .success(Observation()) }
    }

    package static func diff(
        _ declaration: SymlinkDeclaration, _ observation: Observation
    ) -> Difference {
        .unknown("not written yet")
    }

    package static func beforeImages(
        _ declaration: SymlinkDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        []
    }

    package static func apply(
        _ declaration: SymlinkDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
    }
}
