import FleetModel
import Journal
import Resources
import Wire

/// An apply: a preview of everything, then one change after another in plan order.
///
/// A resource that was as declared in the preview is looked at again only where an earlier change
/// may have touched it. Each change is journaled, made, and verified by observing again.
struct ApplyRun {
    private let plan: BoundPlan
    private let setting: RunSetting
    private let log: any ApplyLog
    private let touching: Touching
    private var result = RunResult()
    private var microseconds: [Int: Int] = [:]
    /// How many changes had been made when the resource was last observed.
    private var observedAfter: [Int]
    /// Whether an earlier change may have altered what was observed.
    private var isStale: [Bool]
    /// Resources that failed or were skipped: what requires them is skipped.
    private var isMissing: [Bool]
    private var changesMade = 0

    init(_ plan: BoundPlan, _ setting: RunSetting, log: any ApplyLog) {
        self.plan = plan
        self.setting = setting
        self.log = log
        touching = Touching(plan)
        let count = plan.items.count
        observedAfter = Array(repeating: 0, count: count)
        isStale = Array(repeating: false, count: count)
        isMissing = Array(repeating: false, count: count)
    }

    /// Applies every resource, then runs the handlers that are pending.
    mutating func run() -> RunResult {
        setting.activity("observe \(plan.items.count) resources")
        microseconds = plan.observe(Array(plan.items.indices), on: setting.host)
        for position in plan.items.indices {
            if result.stopped == nil { result.stopped = setting.stopReason() }
            let report: ResourceReport
            if let reason = result.stopped {
                report = makeReport(position, .skipped, "the run was stopped: \(reason)")
            } else {
                report = take(position)
            }
            switch report.outcome {
            case .failed, .skipped: isMissing[position] = true
            case .asDeclared, .changed, .pending: result.inPlace.insert(report.address)
            default: break
            }
            result.counts[report.outcome, default: 0] += 1
            setting.report(.resource(report))
        }
        runHandlers()
        return result
    }

    // MARK: One resource

    private mutating func take(_ position: Int) -> ResourceReport {
        let item = plan.items[position]
        if let missing = item.requires.first(where: { isMissing[$0] }) {
            let required = plan.items[missing].resource.address
            return makeReport(position, .skipped, "it requires \(required), which is not in place")
        }
        refresh(position)
        switch plan.finding(position) {
        case .difference(.asDeclared(let reason)):
            return makeReport(position, .asDeclared, reason)
        case .difference(.pending(let reason, let changes)):
            return makeReport(position, .pending, reason, changes)
        case .difference(.notApplicable(let reason)):
            return makeReport(position, .notApplicable, reason)
        case .difference(.unknown(let reason)):
            return makeReport(position, .unknown, reason)
        case .difference(.blocked(let fault)), .failure(let fault):
            return makeReport(position, .failed, fault.cause, [], fault)
        case .difference(.changes(let changes)):
            return change(position, changes)
        }
    }

    /// Observes the resource again where it may have changed since; with it the later ones of its
    /// kind that are due as well, since one observation of many costs little more than of one.
    private mutating func refresh(_ position: Int) {
        guard isDue(position) else { return }
        let kind = plan.items[position].resource.kind
        let due = plan.items.indices[position...].filter {
            plan.items[$0].resource.kind == kind && isDue($0)
        }
        setting.activity("observe \(plan.items[position].resource.address)")
        observe(due)
    }

    private func isDue(_ position: Int) -> Bool {
        if isStale[position] { return true }
        return observedAfter[position] < changesMade && !plan.finding(position).isAsDeclared
    }

    private mutating func observe(_ positions: [Int]) {
        microseconds.merge(plan.observe(positions, on: setting.host)) { $0 + $1 }
        for position in positions {
            isStale[position] = false
            observedAfter[position] = changesMade
        }
    }

    private mutating func change(_ position: Int, _ changes: [Change]) -> ResourceReport {
        let item = plan.items[position]
        let address = item.resource.address
        // What the next boot makes is not made here; it is pending until then.
        let made = changes.filter { !$0.isMadeByReboot }
        if made.isEmpty { return makeReport(position, .pending, "waits for a reboot", changes) }
        if let costly = made.first(where: { $0.disruption > setting.maxDisruption }) {
            let fault = AgentFault(
                "disruption", "change \(costly.attribute) of \(address)",
                cause: "it costs \(costly.disruption.rawValue), and at most "
                    + "\(setting.maxDisruption.rawValue) is allowed",
                hint: "allow it with --max-disruption \(costly.disruption.rawValue)")
            return makeReport(position, .failed, fault.cause, changes, fault)
        }
        setting.activity("change \(address)")
        let watch = Stopwatch()
        do {
            try intend(item, made)
        } catch {
            return makeReport(position, .failed, error.cause, changes, error)
        }
        var fault: AgentFault?
        do {
            try item.batch.apply(item.place, changes: made, on: setting.host)
        } catch {
            fault = error
        }
        changesMade += 1
        microseconds[position, default: 0] += watch.microseconds
        setting.activity("verify \(address)")
        observe([position])
        markStale(after: position)
        return conclude(position, changes, fault)
    }

    private func intend(_ item: BoundPlan.Item, _ changes: [Change]) throws(AgentFault) {
        let before = try item.batch.beforeImages(item.place, on: setting.host)
        let pending = Set(log.pending.map(\.address))
        let notified = plan.plan.handlers.filter {
            item.resource.notify.contains($0.address) && !pending.contains($0.address)
        }
        // What was shown for a diff is in the before-image already.
        let bare = changes.map { change in
            var bare = change
            bare.beforeText = nil
            return bare
        }
        try log.intend(
            ChangeIntent(
                address: item.resource.address, kind: item.resource.kind, name: item.resource.name,
                changes: bare, before: before, handlers: notified))
    }

    /// Compares what was observed after the change, and notes the outcome.
    private mutating func conclude(
        _ position: Int, _ changes: [Change], _ fault: AgentFault?
    ) -> ResourceReport {
        let address = plan.items[position].resource.address
        let finding = plan.finding(position)
        guard let fault = fault ?? verificationFault(address, finding) else {
            note { log throws(AgentFault) in try log.finish(address, nil) }
            let made = "changed \(Change.names(changes.filter { !$0.isMadeByReboot }))"
            if case .difference(.pending(let reason, let left)) = finding {
                let all = changes.filter { !$0.isMadeByReboot } + left
                return makeReport(position, .pending, "\(made); \(reason)", all)
            }
            // A unit that is enabled now, and whose condition keeps it from starting.
            if case .difference(.notApplicable(let reason)) = finding {
                return makeReport(position, .changed, "\(made); not applicable: \(reason)", changes)
            }
            return makeReport(position, .changed, made, changes)
        }
        var isUntouched = false
        if case .difference(.changes(let left)) = finding { isUntouched = left == changes }
        let failure = ChangeFailure(fault: fault, isUntouched: isUntouched)
        note { log throws(AgentFault) in try log.finish(address, failure) }
        return makeReport(position, .failed, fault.cause, changes, fault)
    }

    /// Writes to the journal; where that fails the run comes to its end, since no later change
    /// could be journaled either.
    private mutating func note(_ body: (any ApplyLog) throws(AgentFault) -> Void) {
        do {
            try body(log)
        } catch {
            result.stopped = result.stopped ?? error.text
        }
    }

    private func verificationFault(_ address: String, _ finding: Finding) -> AgentFault? {
        let cause: String
        switch finding {
        case .difference(.asDeclared), .difference(.pending), .difference(.notApplicable):
            return nil
        case .difference(.changes(let left)):
            cause = "the change was made, but \(left.map(\.leftover).joined(separator: "; "))"
        case .difference(.unknown(let reason)):
            cause = "the change was made, but now: \(reason)"
        case .difference(.blocked(let fault)), .failure(let fault):
            cause = "the change was made, but now: \(fault.cause)"
        }
        return AgentFault(
            "verify-failed", "verify \(address)", cause: cause,
            hint: "see what else on the host sets it")
    }

    private mutating func markStale(after position: Int) {
        for later in plan.items.indices[(position + 1)...]
        where plan.items[later].requires.contains(position) || touching.touches(position, later) {
            isStale[later] = true
        }
    }

    private func makeReport(
        _ position: Int, _ outcome: ResourceReport.Outcome, _ reason: String,
        _ changes: [Change] = [], _ fault: AgentFault? = nil
    ) -> ResourceReport {
        ResourceReport(
            address: plan.items[position].resource.address, outcome: outcome, reason: reason,
            changes: changes, fault: fault,
            findings: plan.remarks(position) + setting.conflicts[position, default: []],
            microseconds: microseconds[position] ?? 0)
    }

    // MARK: Handlers

    /// Runs what is pending once each: what an older plan left first, then in definition order.
    private mutating func runHandlers() {
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

extension Change {
    /// `value is "60", not "10"`, for a change that did not take.
    fileprivate var leftover: String {
        func text(_ value: JSON?) -> String { value?.canonicalText ?? "missing" }
        return "\(attribute) is \(text(before)), not \(text(after))"
    }
}
