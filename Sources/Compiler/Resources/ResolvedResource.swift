import Diagnostics
import FleetModel
import Kinds
import Wire

/// A resource of a host with all values computed, shared by hosts with equal inputs.
final class ResolvedResource: Sendable {
    /// The declaration: the index of the role, and the index in the role's list.
    struct Definition: Sendable, Hashable {
        let role: Int
        let index: Int
    }

    let definition: Definition
    let place: Place
    /// The id in its role.
    let id: String?
    /// Complete except for `requires`, which depends on the other resources of the host.
    let planned: PlannedResource
    /// The canonical text of `planned`.
    let bytes: ResourceBytes
    let owns: [Claim]
    let provides: [Claim]
    let needs: [Claim]
    /// Whether it declares that something must not exist.
    let isAbsent: Bool
    /// The directory that it purges, for which it needs the declared entries.
    let purgedDirectory: String?
    let interrupts: InterruptShare?
    /// The plan checker's findings for this resource alone.
    let checked: PlanChecker.Part
    let requires: [Requirement]
    let blobs: [Blob]

    struct Requirement: Sendable, Hashable {
        let reference: ResourceReference
        let place: Place
    }

    init(
        definition: Definition, place: Place, id: String?, planned: PlannedResource,
        declaration: any ResourceDeclaration, requires: [Requirement], blobs: [Blob]
    ) {
        self.definition = definition
        self.place = place
        self.id = id
        self.planned = planned
        bytes = ResourceBytes(planned)
        checked = PlanChecker.Part(planned)
        owns = declaration.owns
        provides = declaration.provides
        needs = declaration.needs
        isAbsent = planned.kind.schema.isAbsent(planned.attributes)
        purgedDirectory = declaration.purgedDirectory
        interrupts = declaration.interrupts
        self.requires = requires
        self.blobs = blobs
    }
}
