import FleetModel
import Resources

/// What a pass over a plan needs from outside: the host, the ear of the controller, the brakes.
struct RunSetting {
    let host: Host
    /// Takes each report as soon as it is known.
    let report: (Reply) -> Void
    /// Asked at each safe boundary; a reason ends the run there.
    var stopReason: () -> String? = { nil }
    /// Told what is being done, so that a hang can be named.
    var activity: (String) -> Void = { _ in }
    /// Findings about other managers, by position in the plan.
    var conflicts: [Int: [HostFinding]] = [:]
    /// A change that costs more is refused.
    var maxDisruption: Disruption = .powerCycle
    /// Runs a handler to its end and gives the reason why that counts as done.
    var runHandler: (PlannedHandler) throws(AgentFault) -> String = { $0.action.rawValue }
}

/// How a pass over a plan ended.
struct RunResult: Equatable {
    /// Why it ended before its last resource.
    var stopped: String?
    /// The addresses of resources that are now as declared.
    var inPlace: Set<String> = []
    /// How many resources came out how.
    var counts: [ResourceReport.Outcome: Int] = [:]
    /// How many handlers failed.
    var failedHandlers = 0
}
