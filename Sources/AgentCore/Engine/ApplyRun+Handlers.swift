import FleetModel

extension ApplyRun {
    /// Runs each pending handler once: first those that an older plan left, then those of this plan
    /// in definition order.
    mutating func runHandlers() {
        let order = Dictionary(
            plan.plan.handlers.enumerated().map { ($1.address, $0) },
            uniquingKeysWith: { first, _ in first })
        let pending = log.pending
        let old = pending.filter { order[$0.address] == nil }
        let fresh = pending.compactMap { order[$0.address] }.sorted().map { plan.plan.handlers[$0] }
        for handler in old + fresh {
            if result.stopped == nil { result.stopped = setting.stopReason() }
            let report = run(handler)
            if report.outcome == .failed { result.failedHandlers += 1 }
            setting.report(.handler(report))
        }
    }

    private mutating func run(_ handler: PlannedHandler) -> HandlerReport {
        let address = handler.address
        if let reason = result.stopped {
            return HandlerReport(
                address: address, outcome: .pending, reason: "the run was stopped: \(reason)")
        }
        if handler.disruption > setting.maxDisruption {
            let fault = AgentFault(
                "disruption", "\(handler.action.rawValue) \(handler.name)",
                cause: "it costs \(handler.disruption.rawValue), and at most "
                    + "\(setting.maxDisruption.rawValue) is allowed",
                hint: "allow it with --max-disruption \(handler.disruption.rawValue)")
            return HandlerReport(
                address: address, outcome: .pending, reason: fault.cause, fault: fault)
        }
        setting.activity("run handler \(address)")
        let reason: String
        do {
            reason = try setting.runHandler(handler)
        } catch {
            let fault = error
            note { log throws(AgentFault) in try log.finishHandler(address, fault) }
            return HandlerReport(
                address: address, outcome: .failed, reason: fault.cause, fault: fault)
        }
        note { log throws(AgentFault) in try log.finishHandler(address, nil) }
        return HandlerReport(
            address: address, outcome: .ran, reason: reason)
    }
}

extension PlannedHandler {
    /// What running it costs.
    fileprivate var disruption: Disruption {
        switch action {
        case .restart, .reloadOrRestart, .stop: .serviceRestart
        case .reload, .start, .run: .none
        }
    }
}
