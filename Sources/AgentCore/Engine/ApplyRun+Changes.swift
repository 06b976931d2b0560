import FleetModel
import Journal
import Kinds
import Resources
import Wire

/// A resource that is to be changed.
struct Due {
    let position: Int
    /// All differences, including those that a reboot resolves.
    let changes: [Change]
    /// The changes to make now; the others take effect at the next boot.
    var made: [Change] { changes.filter { !$0.isMadeByReboot } }

    /// The first change that costs more than is allowed.
    func costly(beyond most: Disruption) -> Change? {
        made.first { $0.disruption > most }
    }
}

/// A change that waits for work that it shares with other changes, such as a daemon-reload.
struct HeldChange {
    let due: Due
    let wait: SharedWait
    var position: Int { due.position }
}

extension ApplyRun {
    // MARK: What is changed in one go

    /// The resources that are changed in one go with the first, including the first itself.
    ///
    /// These are due resources of the same kind, in plan order, whose requirements are all settled.
    /// Two sorts of resources are skipped over: others of the same kind, since the kind promises
    /// that their order does not matter, and resources of other kinds that are as declared and that
    /// no member touches. Any other resource ends the batch, so that a change never moves past a
    /// resource that it could affect.
    mutating func batch(from first: Due) -> [Due] {
        let lead = plan.items[first.position]
        guard lead.batch.isAppliedTogether else { return [first] }
        let later = plan.items.indices[(first.position + 1)...]
        if let stale = later.first(where: { plan.items[$0].batch === lead.batch && isDue($0) }) {
            refresh(from: stale)
        }
        var members = [first]
        for next in later where isOpen(next) {
            let item = plan.items[next]
            if item.requires.contains(where: { needed in
                members.contains { $0.position == needed }
            }) {
                break
            }
            if item.batch === lead.batch {
                if let due = joining(next) { members.append(due) }
                continue
            }
            let isRight = !isStale[next] && plan.finding(next).isAsDeclared
            if !isRight || members.contains(where: { touching.touches($0.position, next) }) {
                break
            }
        }
        return members
    }

    /// The resource's change if it can be made together with earlier ones; nil if the resource has
    /// to wait for its own turn.
    private func joining(_ position: Int) -> Due? {
        guard plan.items[position].requires.allSatisfy({ isSettled[$0] && !isMissing[$0] }),
            case .difference(.changes(let changes)) = plan.finding(position)
        else { return nil }
        let due = Due(position: position, changes: changes)
        return due.made.isEmpty || due.costly(beyond: setting.maxDisruption) != nil ? nil : due
    }

    // MARK: Making changes

    /// Makes changes of one kind in one go: all intents are durable before anything is changed.
    mutating func change(_ wanted: [Due]) {
        guard let first = wanted.first else { return }
        let batch = plan.items[first.position].batch
        let address = plan.items[first.position].resource.address
        let others = wanted.count == 1 ? "" : " and \(wanted.count - 1) more"
        setting.activity("change \(address)\(others)")
        let watch = Stopwatch()
        let due = intend(wanted)
        if due.isEmpty { return }
        let outcomes = batch.apply(due.map(placed), on: setting.host)
        noteChanged(due.map(\.position))
        spread(watch.microseconds, over: due)
        var finished: [(Due, AgentFault?)] = []
        for (one, outcome) in zip(due, outcomes) {
            switch outcome {
            case .made: finished.append((one, nil))
            case .failed(let fault): finished.append((one, fault))
            case .waits(let wait): held.append(HeldChange(due: one, wait: wait))
            }
        }
        verify(finished)
    }

    /// Journals the intents, and returns the changes whose intents are durable.
    private mutating func intend(_ wanted: [Due]) -> [Due] {
        var due: [Due] = []
        var intents: [ChangeIntent] = []
        let images = plan.items[wanted[0].position].batch.beforeImages(
            wanted.map(placed), on: setting.host)
        for (one, images) in zip(wanted, images) {
            switch images {
            case .success(let before):
                due.append(one)
                intents.append(intent(one, before))
            case .failure(let fault): settle(one.position, .failed, fault.cause, one.changes, fault)
            }
        }
        do throws(AgentFault) {
            try log.intend(intents)
            return due
        } catch {
            let fault = error
            for one in due { settle(one.position, .failed, fault.cause, one.changes, fault) }
            return []
        }
    }

    private func placed(_ due: Due) -> PlaceDue {
        PlaceDue(place: plan.items[due.position].place, changes: due.made)
    }

    private func intent(_ due: Due, _ before: [BeforeImage]) -> ChangeIntent {
        let resource = plan.items[due.position].resource
        // The text shown in a diff is already in the before-image.
        let bare = due.made.map { change in
            var bare = change
            bare.beforeText = nil
            return bare
        }
        return ChangeIntent(
            address: resource.address, kind: resource.kind, name: resource.name, changes: bare,
            before: before,
            handlers: plan.plan.handlers.filter {
                resource.notify.contains($0.address) && !pendingBefore.contains($0.address)
            })
    }

    private mutating func spread(_ time: Int, over due: [Due]) {
        for one in due { microseconds[one.position, default: 0] += time / due.count }
    }

    // MARK: Shared work

    /// Whether a resource may depend on the work that a held change waits for.
    func isFelt(_ change: HeldChange, by position: Int) -> Bool {
        if touching.touches(change.position, position) { return true }
        let item = plan.items[position]
        // Within one kind, resources depend on each other only by `requires`.
        if plan.items[change.position].batch === item.batch { return false }
        switch type(of: item.batch.declaration(item.place)).schema.traits.reads {
        case .claims: return false
        case .units: return change.wait.work == .daemonReload || change.wait.isFollowed
        case .anything: return true
        }
    }

    /// Does the shared work that these changes wait for, once for all held changes that wait for
    /// the same work, and verifies those changes.
    mutating func finish(_ changes: [HeldChange]) {
        let works = Set(changes.map(\.wait.work))
        let now = held.filter { works.contains($0.wait.work) }
        if now.isEmpty { return }
        held.removeAll { works.contains($0.wait.work) }
        let text = SharedWork.allCases.filter(works.contains).map(\.rawValue)
        setting.activity(text.joined(separator: ", "))
        let watch = Stopwatch()
        let faults = setting.host.carryOut(now.map(\.wait))
        noteChanged(now.map(\.position))
        spread(watch.microseconds, over: now.map(\.due))
        verify(Array(zip(now.map(\.due), faults)))
    }

    // MARK: Verifying

    /// Observes changed resources again, all at once, and records the outcome of each.
    private mutating func verify(_ changed: [(due: Due, fault: AgentFault?)]) {
        guard let first = changed.first else { return }
        setting.activity("verify \(plan.items[first.due.position].resource.address)")
        observe(changed.map(\.due.position))
        for (due, fault) in changed { conclude(due, fault) }
    }

    /// Compares the new observation with the declaration, and records the outcome.
    private mutating func conclude(_ due: Due, _ fault: AgentFault?) {
        let position = due.position
        let address = plan.items[position].resource.address
        let finding = plan.finding(position)
        guard let fault = fault ?? verificationFault(address, finding) else {
            note { log throws(AgentFault) in try log.finish(address, nil) }
            let made = "changed \(Change.names(due.made))"
            if case .difference(.pending(let reason, let left)) = finding {
                settle(position, .pending, "\(made); \(reason)", due.made + left)
            } else if case .difference(.notApplicable(let reason)) = finding {
                // A unit that is enabled now, and whose condition keeps it from starting.
                settle(position, .changed, "\(made); not applicable: \(reason)", due.changes)
            } else {
                settle(position, .changed, made, due.changes)
            }
            return
        }
        var isUntouched = false
        if case .difference(.changes(let left)) = finding { isUntouched = left == due.changes }
        let failure = ChangeFailure(fault: fault, isUntouched: isUntouched)
        note { log throws(AgentFault) in try log.finish(address, failure) }
        settle(position, .failed, fault.cause, due.changes, fault)
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
}

extension Change {
    /// `value is "60", not "10"`, for a change that had no effect.
    fileprivate var leftover: String {
        func text(_ value: JSON?) -> String { value?.canonicalText ?? "missing" }
        return "\(attribute) is \(text(before)), not \(text(after))"
    }
}
