import FleetModel
import Views
import Wire

/// The state of one host in a run.
///
/// The store records it before anything that follows from it is done, so that after a controller
/// died its next start can tell what was in progress on which host.
package enum HostState: Sendable, Equatable {
    /// The host's turn has not come.
    case waiting
    /// The host is being compiled, logged in to, and read; this controller has begun no change on
    /// it. `after`: what an earlier controller of the run may have begun.
    case connecting(after: Progress)
    /// The host's plan is fixed, and the request may have been sent: from here on the host must be
    /// asked for the result.
    case planned(plan: Digest, serial: Int)
    /// The host's agent has begun to answer the request.
    case running(plan: Digest, serial: Int)
    /// The host was told to reboot out of the boot with this id.
    case rebooting(plan: Digest, boot: String)
    /// The host is back from its reboot, and the plan is carried out once more.
    case back(plan: Digest, serial: Int)
    /// The host has ended; nothing more is done with it in this run.
    case ended(HostOutcome, from: Progress)

    /// What may have been begun on a host: a continued run needs this even for an ended host.
    package enum Progress: Sendable, Equatable {
        case nothing
        case plan(Digest, serial: Int)
        case reboot(Digest, boot: String)
    }

    /// The name of the state in the store.
    package enum Name: String, Sendable, CaseIterable {
        case waiting, connecting, planned, running, rebooting, back, ended
    }

    package var name: Name {
        switch self {
        case .waiting: .waiting
        case .connecting: .connecting
        case .planned: .planned
        case .running: .running
        case .rebooting: .rebooting
        case .back: .back
        case .ended: .ended
        }
    }

    /// Whether work on the host has begun and has not ended.
    package var isActive: Bool {
        switch self {
        case .waiting, .ended: false
        case .connecting, .planned, .running, .rebooting, .back: true
        }
    }

    /// The host's outcome; nil until it has ended.
    package var outcome: HostOutcome? {
        if case .ended(let outcome, _) = self { outcome } else { nil }
    }

    /// What may have been begun on the host.
    package var progress: Progress {
        switch self {
        case .waiting: .nothing
        case .connecting(let progress): progress
        case .planned(let plan, let serial), .running(let plan, let serial),
            .back(let plan, let serial):
            .plan(plan, serial: serial)
        case .rebooting(let plan, let boot): .reboot(plan, boot: boot)
        case .ended(_, let progress): progress
        }
    }
}
