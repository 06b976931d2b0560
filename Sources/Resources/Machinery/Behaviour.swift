import FleetModel
import Kinds
import Linux

/// The result of comparing a resource with its declaration.
package enum Difference: Sendable, Equatable {
    /// Nothing to do; the reason says what was compared: `mode 0644, owner root, same content`.
    case asDeclared(String)
    /// These attributes must be changed.
    case changes([Change])
    /// As declared on disk; the running kernel follows after a reboot or a reload.
    case pending(String, [Change])
    /// The resource does not apply to this machine: `no such kernel parameter`.
    case notApplicable(String)
    /// The state could not be determined: `the check program ran out of time`.
    case unknown(String)
    /// It cannot be applied now, but an earlier change may remove the obstacle: `no user trader`.
    case blocked(AgentFault)
}

/// The behaviour of one resource kind on a host: observe, diff, apply, verify.
///
/// No kind uses another, except `ptp`, which consists of services. The engine verifies: it observes
/// again after `apply`, and a difference that remains is a failure, even if all calls succeeded.
package protocol ResourceBehaviour {
    associatedtype Declaration: ResourceDeclaration
    /// Everything that `diff` and `apply` need to know of the host.
    associatedtype Observation: Sendable

    /// Reads all resources of the kind at once; returns one result for each, in the same order.
    ///
    /// Never writes. The number of programs it starts does not depend on the number of resources.
    static func observe(
        _ declarations: [Declaration], on host: Host
    ) -> [Result<Observation, AgentFault>]

    /// Whether the resources of the kind can only be observed all together.
    static var isObservedTogether: Bool { get }

    /// Compares; pure.
    static func diff(_ declaration: Declaration, _ observation: Observation) -> Difference

    /// Problems that apply does not correct: a process on CPUs where it should not run. Pure.
    static func findings(_ declaration: Declaration, _ observation: Observation) -> [HostFinding]

    /// The earlier state, enough to restore everything that `apply` may change.
    static func beforeImages(
        _ declaration: Declaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage]

    /// Makes the smallest change, live and persisted; a second call changes nothing.
    static func apply(
        _ declaration: Declaration, _ observation: Observation, changes: [Change], on host: Host
    ) throws(AgentFault)

    /// Whether resources of the kind that are due at the same time are changed in one call.
    ///
    /// Their changes must then give the same result in any order. The engine never puts two
    /// resources into one call if one requires the other.
    static var isAppliedTogether: Bool { get }

    /// The before-images of several resources, the same as ``beforeImages(_:_:on:)`` for each.
    ///
    /// Returns one result for each, in the same order.
    static func beforeImages(
        _ due: [DueChange<Self>], on host: Host
    ) -> [Result<[BeforeImage], AgentFault>]

    /// Changes several resources, with the same result as ``apply(_:_:changes:on:)`` for each.
    ///
    /// By default, one after the other; a kind may combine work. Returns one outcome for each, in
    /// the same order. A failure of one does not stop the others.
    static func apply(_ due: [DueChange<Self>], on host: Host) -> [ChangeOutcome]
}

extension ResourceBehaviour {
    package static var isObservedTogether: Bool { false }
    package static var isAppliedTogether: Bool { false }

    package static func beforeImages(
        _ due: [DueChange<Self>], on host: Host
    ) -> [Result<[BeforeImage], AgentFault>] {
        observeEach(due) { (one) throws(AgentFault) in
            try beforeImages(one.declaration, one.observation, on: host)
        }
    }

    package static func apply(_ due: [DueChange<Self>], on host: Host) -> [ChangeOutcome] {
        due.map { one in
            host.outcome { () throws(AgentFault) in
                try apply(one.declaration, one.observation, changes: one.changes, on: host)
            }
        }
    }

    package static func findings(
        _ declaration: Declaration, _ observation: Observation
    ) -> [HostFinding] { [] }
}
