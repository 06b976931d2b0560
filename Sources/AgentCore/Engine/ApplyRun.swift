import FleetModel
import Kinds
import Resources

/// An apply: a preview of everything, then the changes in plan order.
///
/// A resource that was as declared in the preview is observed again only if an earlier change may
/// have affected it. Resources of one kind are changed in one go where their kind and the order of
/// the plan allow it. Each change is journaled, made, and verified by another observation. Reports
/// are sent in plan order.
struct ApplyRun {
    let plan: BoundPlan
    let setting: RunSetting
    let log: any ApplyLog
    let touching: Touching
    var result = RunResult()
    var microseconds: [Int: Int] = [:]
    /// How many changes had been made when the resource was last observed.
    private var observedAfter: [Int]
    /// Whether an earlier change may have altered what was observed.
    private(set) var isStale: [Bool]
    /// Whether the resource failed or was skipped; resources that require it are then skipped.
    private(set) var isMissing: [Bool]
    /// Whether the outcome of the resource is known.
    private(set) var isSettled: [Bool]
    private var changesMade = 0
    /// Changes that wait for work that they may share with later changes.
    var held: [HeldChange] = []
    /// Reports that are kept back until every earlier resource is settled.
    private var reports: [Int: ResourceReport] = [:]
    private var reportedCount = 0
    /// Handlers that were pending before the run.
    let pendingBefore: Set<String>

    init(_ plan: BoundPlan, _ setting: RunSetting, log: any ApplyLog) {
        self.plan = plan
        self.setting = setting
        self.log = log
        touching = Touching(plan)
        let count = plan.items.count
        observedAfter = Array(repeating: 0, count: count)
        isStale = Array(repeating: false, count: count)
        isMissing = Array(repeating: false, count: count)
        isSettled = Array(repeating: false, count: count)
        pendingBefore = Set(log.pending.map(\.address))
    }

    /// Applies every resource, then runs the handlers that are pending.
    mutating func run() -> RunResult {
        setting.host.sharesWork = true
        defer { setting.host.sharesWork = false }
        setting.activity("observe \(plan.items.count) resources")
        microseconds = plan.observe(Array(plan.items.indices), on: setting.host)
        for position in plan.items.indices where isOpen(position) {
            if result.stopped == nil { result.stopped = setting.stopReason() }
            if let reason = result.stopped {
                settle(position, .skipped, "the run was stopped: \(reason)")
            } else {
                take(position)
            }
        }
        // Changes that wait for shared work are finished even if the run was stopped.
        finish(held)
        runHandlers()
        return result
    }

    // MARK: One resource

    private mutating func take(_ position: Int) {
        let item = plan.items[position]
        finish(held.filter { item.requires.contains($0.position) })
        if let missing = item.requires.first(where: { isMissing[$0] }) {
            let required = plan.items[missing].resource.address
            settle(position, .skipped, "it requires \(required), which is not in place")
            return
        }
        if isStale[position] || !plan.finding(position).isAsDeclared {
            finish(held.filter { isFelt($0, by: position) })
        }
        if isDue(position) { refresh(from: position) }
        switch plan.finding(position) {
        case .difference(.asDeclared(let reason)): settle(position, .asDeclared, reason)
        case .difference(.pending(let reason, let changes)):
            settle(position, .pending, reason, changes)
        case .difference(.notApplicable(let reason)): settle(position, .notApplicable, reason)
        case .difference(.unknown(let reason)): settle(position, .unknown, reason)
        case .difference(.blocked(let fault)), .failure(let fault):
            settle(position, .failed, fault.cause, [], fault)
        case .difference(.changes(let changes)):
            if let due = permitted(position, changes) { change(batch(from: due)) }
        }
    }

    /// The resource's change if it may be made now; otherwise settles the resource with the reason.
    private mutating func permitted(_ position: Int, _ changes: [Change]) -> Due? {
        let due = Due(position: position, changes: changes)
        // A change that takes effect at the next boot is not made here; it is pending until then.
        if due.made.isEmpty {
            settle(position, .pending, "waits for a reboot", changes)
            return nil
        }
        guard let costly = due.costly(beyond: setting.maxDisruption) else { return due }
        let fault = AgentFault(
            "disruption",
            "change \(costly.attribute) of \(plan.items[position].resource.address)",
            cause: "it costs \(costly.disruption.rawValue), and at most "
                + "\(setting.maxDisruption.rawValue) is allowed",
            hint: "allow it with --max-disruption \(costly.disruption.rawValue)")
        settle(position, .failed, fault.cause, changes, fault)
        return nil
    }

    /// Whether the resource is neither settled nor held.
    func isOpen(_ position: Int) -> Bool {
        !isSettled[position] && !held.contains { $0.position == position }
    }

    /// Whether the resource is open and has to be observed again, since an earlier change may have
    /// affected it.
    func isDue(_ position: Int) -> Bool {
        guard isOpen(position) else { return false }
        if isStale[position] { return true }
        return observedAfter[position] < changesMade && !plan.finding(position).isAsDeclared
    }

    /// Observes again all due resources of one kind, from a position on.
    ///
    /// One observation of many costs little more than an observation of one.
    mutating func refresh(from position: Int) {
        let batch = plan.items[position].batch
        let due = plan.items.indices[position...].filter {
            plan.items[$0].batch === batch && isDue($0)
        }
        setting.activity("observe \(plan.items[position].resource.address)")
        observe(due)
    }

    mutating func observe(_ positions: [Int]) {
        microseconds.merge(plan.observe(positions, on: setting.host)) { $0 + $1 }
        for position in positions {
            isStale[position] = false
            observedAfter[position] = changesMade
        }
    }

    // MARK: Effects on other resources

    /// Counts one batch of changes, and marks as stale the resources that it may have affected.
    mutating func noteChanged(_ positions: [Int]) {
        changesMade += 1
        for other in plan.items.indices where !isSettled[other] && !isStale[other] {
            isStale[other] = positions.contains { changed in
                changed != other
                    && (plan.items[other].requires.contains(changed)
                        || touching.touches(changed, other))
            }
        }
    }

    /// Writes to the journal; if that fails the run is stopped, since no later change could be
    /// journaled either.
    mutating func note(_ body: (any ApplyLog) throws(AgentFault) -> Void) {
        do {
            try body(log)
        } catch {
            result.stopped = result.stopped ?? error.text
        }
    }

    // MARK: Reports

    mutating func settle(
        _ position: Int, _ outcome: ResourceReport.Outcome, _ reason: String,
        _ changes: [Change] = [], _ fault: AgentFault? = nil
    ) {
        let address = plan.items[position].resource.address
        isSettled[position] = true
        switch outcome {
        case .failed, .skipped: isMissing[position] = true
        case .asDeclared, .changed, .pending: result.inPlace.insert(address)
        default: break
        }
        result.counts[outcome, default: 0] += 1
        reports[position] = ResourceReport(
            address: address, outcome: outcome, reason: reason, changes: changes, fault: fault,
            findings: plan.remarks(position) + setting.conflicts[position, default: []],
            microseconds: microseconds[position] ?? 0)
        while let report = reports.removeValue(forKey: reportedCount) {
            setting.report(.resource(report))
            reportedCount += 1
        }
    }
}
