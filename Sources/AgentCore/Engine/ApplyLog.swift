import FleetModel
import Journal

/// Where an apply writes what it is about to do.
///
/// The journal; a recorder in tests.
protocol ApplyLog: AnyObject {
    /// Handlers that are pending now, in the order they became so.
    var pending: [PlannedHandler] { get }
    /// Makes intents durable, all or none. Nothing of the changes may be made before this returns.
    func intend(_ intents: [ChangeIntent]) throws(AgentFault)
    /// Notes the outcome of the last intent of the resource; nil where it was made and verified.
    func finish(_ address: String, _ failure: ChangeFailure?) throws(AgentFault)
    /// Notes that a handler ran or failed; durable on return.
    func finishHandler(_ address: String, _ fault: AgentFault?) throws(AgentFault)
}

/// A change that failed, and whether the host is as it was before.
struct ChangeFailure: Sendable, Equatable {
    let fault: AgentFault
    let isUntouched: Bool
}
