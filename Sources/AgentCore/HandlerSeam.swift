import FleetModel
import Resources

/// Runs handlers.
enum HandlerSeam {
    static func run(_ handler: PlannedHandler, on host: Host) throws(AgentFault) {
        throw AgentFault(
            "not-written", "run handler \(handler.address)", cause: "handlers are not written yet")
    }
}
