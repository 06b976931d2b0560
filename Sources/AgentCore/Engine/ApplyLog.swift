import FleetModel
import Journal

/// The write-ahead log of an apply: intents before the changes, outcomes after them.
///
/// In the agent this is the journal; tests use a recorder.
protocol ApplyLog: AnyObject {
    /// Handlers that are pending now, in the order in which they became pending.
    var pending: [PlannedHandler] { get }
    /// Makes all intents durable, or none; no change may be made before this returns.
    func intend(_ intents: [ChangeIntent]) throws(AgentFault)
    /// Records the outcome of the resource's last intent; nil means made and verified.
    func finish(_ address: String, _ failure: ChangeFailure?) throws(AgentFault)
    /// Records that a handler ran, or failed with a fault; durable on return.
    func finishHandler(_ address: String, _ fault: AgentFault?) throws(AgentFault)
}

/// A failed change, and whether the host still has its state from before the change.
struct ChangeFailure: Sendable, Equatable {
    let fault: AgentFault
    let isUntouched: Bool
}
