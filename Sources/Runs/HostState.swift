import FleetModel
import Views
import Wire

/// Where one host stands in a run.
///
/// Kept in the store before anything that follows from it is done, so that a controller that died can
/// say on its next start what was going on where.
package enum HostState: Sendable, Equatable {
    /// Its turn has not come.
    case waiting
    /// It is being compiled, logged in to, and read; this controller has begun no change on it.
    /// `after`: what an earlier controller of the run may have begun.
    case connecting(after: Progress)
    /// Its plan is fixed, and the request may be on its way: from here on it must be asked what
    /// came of it.
    case planned(plan: Digest, serial: Int)
    /// Its agent has begun to answer the request.
    case running(plan: Digest, serial: Int)
    /// It was told to leave the boot with this id.
    case rebooting(plan: Digest, boot: String)
    /// It is back from its reboot, and the plan is carried out once more.
    case back(plan: Digest, serial: Int)
    /// Nothing more is done with it in this run.
    case ended(HostOutcome, from: Progress)

    /// What has to be known of an ended host for a run that goes on: what may have been begun on it.
    package enum Progress: Sendable, Equatable {
        case nothing
        case plan(Digest, serial: Int)
        case reboot(Digest, boot: String)
    }

    /// The name of the state, as the store keeps it.
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

    /// Whether the run still has something to do with the host, and has begun to.
    package var isActive: Bool {
        switch self {
        case .waiting, .ended: false
        case .connecting, .planned, .running, .rebooting, .back: true
        }
    }

    /// How the host came out; nil while it has not.
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
