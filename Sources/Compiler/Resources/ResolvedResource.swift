import Diagnostics
import FleetModel
import Kinds
import Wire

/// A resource of one host, every value computed; hosts with the same inputs share it.
final class ResolvedResource: Sendable {
    /// Its declaration: the role among all roles, and the place in the role's list.
    struct Definition: Sendable, Hashable {
        let role: Int
        let index: Int
    }

    let definition: Definition
    let place: Place
    /// The id in its role.
    let id: String?
    /// Complete but for `requires`, which depend on the other resources of the host.
    let planned: PlannedResource
    /// The canonical text of `planned`.
    let bytes: ResourceBytes
    let owns: [Claim]
    let provides: [Claim]
    let needs: [Claim]
    /// Whether it makes sure that something is not there.
    let isAbsent: Bool
    /// The directory of which it must be told what is declared in it.
    let purgedDirectory: String?
    let interrupts: InterruptShare?
    /// What the checker has to say of it alone.
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
