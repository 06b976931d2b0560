import FleetModel
import Resources
import Wire

/// A check: observes every resource, one batch for each kind, and reports what differs.
struct CheckRun {
    private let plan: BoundPlan
    private let setting: RunSetting
    private var result = RunResult()
    /// By position, whether an apply would change the resource or cannot tell yet.
    private var wouldChange: [Bool]
    private var microseconds: [Int: Int] = [:]

    init(_ plan: BoundPlan, _ setting: RunSetting) {
        self.plan = plan
        self.setting = setting
        wouldChange = Array(repeating: false, count: plan.items.count)
    }

    /// Reports every resource, in plan order; a kind is observed when its first resource is due.
    mutating func run() -> RunResult {
        for position in plan.items.indices {
            if let reason = setting.stopReason() {
                result.stopped = reason
                break
            }
            if microseconds[position] == nil { observeKind(of: position) }
            let report = report(position)
            if report.outcome == .wouldChange || report.outcome == .dependsOnEarlier {
                wouldChange[position] = true
            }
            result.counts[report.outcome, default: 0] += 1
            setting.report(.resource(report))
        }
        return result
    }

    private mutating func observeKind(of position: Int) {
        let kind = plan.items[position].resource.kind
        let same = plan.items.indices.filter { plan.items[$0].resource.kind == kind }
        setting.activity("observe \(same.count) of kind \(kind.rawValue)")
        microseconds.merge(plan.observe(same, on: setting.host)) { _, new in new }
    }

    private func report(_ position: Int) -> ResourceReport {
        let item = plan.items[position]
        func report(
            _ outcome: ResourceReport.Outcome, _ reason: String, _ changes: [Change] = [],
            _ fault: AgentFault? = nil
        ) -> ResourceReport {
            ResourceReport(
                address: item.resource.address, outcome: outcome, reason: reason, changes: changes,
                fault: fault,
                findings: plan.remarks(position) + setting.conflicts[position, default: []],
                microseconds: microseconds[position] ?? 0)
        }
        // An earlier change may alter this outcome, so it is not known yet.
        func unlessEarlierChanges(_ reason: String, _ otherwise: ResourceReport) -> ResourceReport {
            guard let earlier = item.requires.first(where: { wouldChange[$0] }) else {
                return otherwise
            }
            let address = plan.items[earlier].resource.address
            return report(.dependsOnEarlier, "\(reason); \(address) comes first and would change")
        }
        switch plan.finding(position) {
        case .difference(.asDeclared(let reason)): return report(.asDeclared, reason)
        case .difference(.changes(let changes)):
            return report(.wouldChange, Change.summary(changes), changes)
        case .difference(.pending(let reason, let changes)):
            return report(.pending, reason, changes)
        case .difference(.notApplicable(let reason)):
            return unlessEarlierChanges(reason, report(.notApplicable, reason))
        case .difference(.unknown(let reason)):
            return unlessEarlierChanges(reason, report(.unknown, reason))
        case .difference(.blocked(let fault)), .failure(let fault):
            return unlessEarlierChanges(fault.cause, report(.failed, fault.cause, [], fault))
        }
    }
}

extension Change {
    /// `mode and owner differ`, for a report's reason.
    static func summary(_ changes: [Change]) -> String {
        names(changes) + (names(changes).contains(text: " and ") ? " differ" : " differs")
    }

    /// The attributes' names in words, each once.
    static func names(_ changes: [Change]) -> String {
        var names: [String] = []
        for change in changes where !names.contains(change.attribute) {
            names.append(change.attribute)
        }
        guard let last = names.last else { return "it" }
        return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " and " + last
    }
}
