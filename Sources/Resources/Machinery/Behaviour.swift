import FleetModel
import Kinds
import Linux

/// What a resource was found to be, against what is declared.
package enum Difference: Sendable, Equatable {
    /// Nothing to do; the reason says what was compared: `mode 0644, owner root, same content`.
    case asDeclared(String)
    /// To be changed, in these attributes.
    case changes([Change])
    /// Right on disk; the kernel follows after a reboot or a reload.
    case pending(String, [Change])
    /// There is no such thing on this machine: `no such kernel parameter`.
    case notApplicable(String)
    /// It could not be told: `the check program ran out of time`.
    case unknown(String)
    /// It cannot be made so as things stand, but an earlier change may mend that: `no user trader`.
    case blocked(AgentFault)
}

/// The behaviour of one resource kind on a host: observe, diff, apply, verify.
///
/// No kind knows another, but for `ptp`, which is made of services. Verification is the engine's: it observes again after `apply`, and
/// whatever then still differs is a failure, whatever the calls returned.
package protocol ResourceBehaviour {
    associatedtype Declaration: ResourceDeclaration
    /// Everything read off the host that `diff` and `apply` need.
    associatedtype Observation: Sendable

    /// Reads all resources of the kind at once; one answer each, in the same order.
    ///
    /// Never writes, and starts at most a fixed number of programs however many there are.
    static func observe(
        _ declarations: [Declaration], on host: Host
    ) -> [Result<Observation, AgentFault>]

    /// Whether one resource cannot be observed without its neighbours of the kind.
    static var isObservedTogether: Bool { get }

    /// Compares; pure.
    static func diff(_ declaration: Declaration, _ observation: Observation) -> Difference

    /// What should be known and no apply mends: a process that sits where it should not. Pure.
    static func findings(_ declaration: Declaration, _ observation: Observation) -> [HostFinding]

    /// What was there before, enough to put back everything `apply` may touch.
    static func beforeImages(
        _ declaration: Declaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage]

    /// Makes the smallest change, live and persisted. Applying twice changes nothing more.
    static func apply(
        _ declaration: Declaration, _ observation: Observation, changes: [Change], on host: Host
    ) throws(AgentFault)

    /// Whether resources of the kind that are due at the same time are changed in one go.
    ///
    /// They then have to commute: whatever the order, each comes to the same, unless one requires the
    /// other. The engine keeps apart those that do.
    static var isAppliedTogether: Bool { get }

    /// The before-images of several, as ``beforeImages(_:_:on:)`` gives them for each.
    ///
    /// One answer each, in the same order.
    static func beforeImages(
        _ due: [DueChange<Self>], on host: Host
    ) -> [Result<[BeforeImage], AgentFault>]

    /// Changes several, as ``apply(_:_:changes:on:)`` changes each: one after the other, where the
    /// kind knows no way to spare work.
    ///
    /// One outcome each, in the same order; a failure of one keeps no other from its change.
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
