import FleetModel
import Resources

/// What a pass over a plan needs: the host, where reports go, and when to stop or refuse.
struct RunSetting {
    let host: Host
    /// Takes each report as soon as it is known.
    let report: (Reply) -> Void
    /// Asked at each safe boundary; a reason ends the run there.
    var stopReason: () -> String? = { nil }
    /// Receives a description of each step as it begins, so that a hang can be attributed to it.
    var activity: (String) -> Void = { _ in }
    /// Findings about other managers, by position in the plan.
    var conflicts: [Int: [HostFinding]] = [:]
    /// The most disruption that is allowed; a change that costs more is refused.
    var maxDisruption: Disruption = .powerCycle
    /// Runs a handler to its end and returns the reason for its report.
    var runHandler: (PlannedHandler) throws(AgentFault) -> String = { $0.action.rawValue }
}

/// How a pass over a plan ended.
struct RunResult: Equatable {
    /// Why it ended before its last resource.
    var stopped: String?
    /// The addresses of resources that are now as declared, or will be after a reboot.
    var inPlace: Set<String> = []
    /// The number of resources by outcome.
    var counts: [ResourceReport.Outcome: Int] = [:]
    /// How many handlers failed.
    var failedHandlers = 0
}
