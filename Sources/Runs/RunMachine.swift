import FleetModel
import Views
import Wire

/// One run over many hosts, as a pure state machine: inputs in, transitions and commands out.
///
/// It does no input or output and has no clock: each input brings the time, in seconds of any
/// monotonic clock. The same inputs give the same steps. The driver records the transitions of a
/// step before it carries out its commands.
package struct RunMachine: Sendable {
    /// Hosts in the order in which they are started.
    package let hosts: [String]
    package let applies: Bool
    package let brakes: Brakes
    package let limits: RunLimits
    /// How many hosts are worked on at once.
    package let width: Int

    /// Why no more hosts are started; nil while more may be.
    package private(set) var stopReason: StopReason?
    /// Whether the running hosts were abandoned as well.
    package private(set) var isCancelled = false
    package private(set) var isOver = false

    private var entries: [Entry]
    private let positions: [String: Int]
    private let stages: [Range<Int>]
    private var stage = 0
    private var next = 0
    private var active: Set<Int> = []
    private var bad = 0
    private var hasBegun = false

    private struct Entry {
        var state: HostState
        var isGood: Bool?
        var deadline = Double.infinity
        /// What an earlier controller may have begun.
        var earlier = HostState.Progress.nothing
        var isStopping = false
    }

    /// Why a run starts no more hosts.
    package enum StopReason: Sendable, Equatable {
        case interrupted
        /// A canary host failed, or too many hosts failed.
        case brakes(String)
        case cannotRecord(String)

        package var text: String {
            switch self {
            case .interrupted: "interrupted"
            case .brakes(let text): text
            case .cannotRecord(let cause): "what is done could not be recorded: \(cause)"
            }
        }
    }

    /// A new run.
    package init(
        hosts: [String], applies: Bool, brakes: Brakes = Brakes(), limits: RunLimits = RunLimits(),
        width: Int
    ) {
        self.init(
            resuming: hosts.map { HostTransition(host: $0, state: .waiting) }, applies: applies,
            brakes: brakes, limits: limits, width: width)
    }

    /// A run continued from what the store has recorded.
    ///
    /// Hosts that ended keep their outcome, except for hosts that were stopped, never started, or
    /// whose result is not known; these are started again, with what had been begun on them.
    package init(
        resuming recorded: [HostTransition], applies: Bool, brakes: Brakes = Brakes(),
        limits: RunLimits = RunLimits(), width: Int
    ) {
        hosts = recorded.map(\.host)
        self.applies = applies
        self.brakes = brakes
        self.limits = limits
        self.width = max(1, width)
        positions = Dictionary(
            hosts.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        stages = brakes.stages(of: hosts).map { $0.startIndex..<$0.endIndex }
        entries = recorded.map { known in
            guard case .ended(let outcome, _) = known.state, !outcome.isTakenUpAgain else {
                var entry = Entry(state: .waiting)
                entry.earlier = known.state.progress
                return entry
            }
            return Entry(state: known.state, isGood: known.isGood ?? false)
        }
    }

    /// The state of a host; nil if the host is not in the run.
    package func state(of host: String) -> HostState? {
        positions[host].map { entries[$0].state }
    }

    /// Whether an ended host succeeded; nil while it has not ended.
    package func isGood(_ host: String) -> Bool? {
        positions[host].flatMap { entries[$0].isGood }
    }

    /// The time of the next deadline; nil if no host is being worked on.
    package var nextDeadline: Double? {
        active.lazy.map { entries[$0].deadline }.min()
    }

    /// The hosts that were never started, in order.
    package var notStarted: [String] {
        hosts.indices.filter { entries[$0].state.outcome == .notStarted }.map { hosts[$0] }
    }

    /// Takes one input.
    package mutating func take(_ input: RunInput, at now: Double) -> RunStep {
        var step = RunStep()
        if isOver { return step }
        switch input {
        case .begin:
            if hasBegun { return step }
            hasBegun = true
            for entry in entries where entry.state.outcome?.isBad == true { bad += 1 }
        case .host(let host, let event):
            // An event from a host that has ended comes too late to change its outcome.
            guard let position = positions[host], active.contains(position) else { return step }
            take(event, of: position, at: now, &step)
        case .interrupt: interrupt(&step)
        case .tick: expire(at: now, &step)
        case .cannotRecord(let cause): stop(.cannotRecord(cause), &step)
        }
        if hasBegun { advance(at: now, &step) }
        return step
    }

    // MARK: One host

    private mutating func take(
        _ event: HostEvent, of position: Int, at now: Double, _ step: inout RunStep
    ) {
        let state = entries[position].state
        switch (state, event) {
        case (.connecting, .planned(let plan, let serial)):
            // An apply that is being stopped begins no change; a check changes nothing anyway.
            if applies, stopReason == .interrupted || stopReason?.isAboutRecords == true {
                step.commands.append(.turnBack(hosts[position]))
            } else {
                enter(.planned(plan: plan, serial: serial), position, at: now, &step)
                step.commands.append(.proceed(hosts[position]))
            }
        // An agent that was still working when an earlier controller died, and then died as well.
        case (.running, .planned(let plan, let serial))
        where entries[position].earlier != .nothing:
            enter(.planned(plan: plan, serial: serial), position, at: now, &step)
            step.commands.append(.proceed(hosts[position]))
        case (.planned(let plan, let serial), .running):
            enter(.running(plan: plan, serial: serial), position, at: now, &step)
        case (.planned(let plan, _), .wantsReboot(let boot)),
            (.running(let plan, _), .wantsReboot(let boot)):
            if stopReason == .interrupted || stopReason?.isAboutRecords == true {
                step.commands.append(.turnBack(hosts[position]))
            } else {
                enter(.rebooting(plan: plan, boot: boot), position, at: now, &step)
                step.commands.append(.proceed(hosts[position]))
            }
        case (.rebooting(let plan, _), .back(let serial)):
            enter(.back(plan: plan, serial: serial), position, at: now, &step)
            step.commands.append(.proceed(hosts[position]))
        case (_, .ended(let outcome, let isClean)):
            end(position, outcome, isClean: isClean, &step)
        // A conversation that continues what an earlier controller began starts in that state.
        case (.connecting, .running), (.connecting, .wantsReboot), (.connecting, .back):
            resume(event, of: position, at: now, &step)
        case (.waiting, _), (.planned, _), (.running, _), (.rebooting, _), (.back, _), (.ended, _):
            break
        }
    }

    private mutating func resume(
        _ event: HostEvent, of position: Int, at now: Double, _ step: inout RunStep
    ) {
        switch (entries[position].earlier, event) {
        case (.plan(let plan, let serial), .running):
            enter(.running(plan: plan, serial: serial), position, at: now, &step)
        case (.reboot(let plan, let boot), .wantsReboot(let asked)) where asked == boot:
            enter(.rebooting(plan: plan, boot: boot), position, at: now, &step)
            step.commands.append(.proceed(hosts[position]))
        default: break
        }
    }

    private mutating func enter(
        _ state: HostState, _ position: Int, at now: Double, _ step: inout RunStep
    ) {
        entries[position].state = state
        entries[position].deadline = limits.seconds(in: state.name).map { now + $0 } ?? .infinity
        step.transitions.append(HostTransition(host: hosts[position], state: state))
    }

    private mutating func end(
        _ position: Int, _ outcome: HostOutcome, isClean: Bool, _ step: inout RunStep
    ) {
        let isGood = applies ? outcome.isWell && isClean : !outcome.isBad
        entries[position].state = .ended(outcome, from: entries[position].state.progress)
        entries[position].isGood = isGood
        entries[position].deadline = .infinity
        active.remove(position)
        if outcome.isBad { bad += 1 }
        step.transitions.append(
            HostTransition(
                host: hosts[position], state: entries[position].state, isGood: isGood))
    }

    // MARK: All of them

    /// Starts the hosts that may be started, begins the next stage, and ends the run if nothing is
    /// left.
    private mutating func advance(at now: Double, _ step: inout RunStep) {
        while !isOver {
            guard stopReason == nil, stage < stages.count else { return finishIfIdle(&step) }
            if let reason = brakes.forbidsHost(bad: bad) {
                stop(.brakes(reason), &step)
                continue
            }
            let range = stages[stage]
            next = max(next, range.lowerBound)
            while next < range.upperBound, entries[next].state.outcome != nil { next += 1 }
            if next < range.upperBound {
                guard active.count < width else { return }
                start(next, at: now, &step)
                next += 1
                continue
            }
            // A stage is a barrier: the next one begins when all hosts of this one have ended.
            guard active.isEmpty else { return }
            let failures = range.count { entries[$0].isGood == false }
            if let reason = brakes.forbidsNext(
                stage: stage, badInStage: failures, badInAll: bad, of: hosts.count),
                stage + 1 < stages.count
            {
                stop(.brakes(reason), &step)
                continue
            }
            stage += 1
        }
    }

    private mutating func start(_ position: Int, at now: Double, _ step: inout RunStep) {
        active.insert(position)
        enter(.connecting(after: entries[position].earlier), position, at: now, &step)
        step.commands.append(.start(hosts[position], after: entries[position].earlier))
    }

    private mutating func stop(_ reason: StopReason, _ step: inout RunStep) {
        if stopReason == nil {
            stopReason = reason
            step.remarks.append("no more hosts are started: \(reason.text)")
        } else if reason == .interrupted {
            stopReason = reason
        }
    }

    private mutating func interrupt(_ step: inout RunStep) {
        if stopReason != .interrupted {
            stop(.interrupted, &step)
            guard applies else { return }
            for position in active.sorted() where !entries[position].isStopping {
                entries[position].isStopping = true
                step.commands.append(.stop(hosts[position]))
            }
            return
        }
        if isCancelled { return }
        isCancelled = true
        for position in active.sorted() { abandon(position, .interrupted, &step) }
    }

    private mutating func expire(at now: Double, _ step: inout RunStep) {
        for position in active.sorted() where entries[position].deadline <= now {
            let name = entries[position].state.name
            abandon(position, .deadline(name, seconds: limits.seconds(in: name) ?? 0), &step)
        }
    }

    private mutating func abandon(
        _ position: Int, _ reason: AbandonReason, _ step: inout RunStep
    ) {
        let outcome: HostOutcome =
            switch (entries[position].state.name, reason) {
            case (.connecting, .interrupted):
                entries[position].earlier == .nothing ? .stopped : .unknown
            case (.connecting, .deadline):
                entries[position].earlier == .nothing ? .unreachable : .unknown
            case (_, .interrupted): applies ? .unknown : .stopped
            case (_, .deadline): applies ? .unknown : .failed
            }
        end(position, outcome, isClean: false, &step)
        step.commands.append(.abandon(hosts[position], outcome, reason))
    }

    private mutating func finishIfIdle(_ step: inout RunStep) {
        guard active.isEmpty else { return }
        for position in hosts.indices where entries[position].state == .waiting {
            let earlier = entries[position].earlier
            // The result of what an earlier controller began stays unknown if nobody has asked the
            // host.
            let outcome: HostOutcome = earlier == .nothing ? .notStarted : .unknown
            entries[position].state = .ended(outcome, from: earlier)
            entries[position].isGood = false
            step.transitions.append(
                HostTransition(
                    host: hosts[position], state: entries[position].state, isGood: false))
            step.commands.append(.leaveOut(hosts[position]))
        }
        isOver = true
        step.commands.append(.finish)
    }
}

extension RunMachine.StopReason {
    fileprivate var isAboutRecords: Bool {
        if case .cannotRecord = self { true } else { false }
    }
}

extension HostOutcome {
    /// Whether the host succeeded; an apply also requires that nothing is left to change.
    package var isWell: Bool { self == .asDeclared || self == .changed }

    /// Whether it counts against `--max-failed`.
    package var isBad: Bool {
        switch self {
        case .failed, .notCompiled, .unreachable, .refused, .unknown: true
        case .asDeclared, .differs, .changed, .notStarted, .stopped: false
        }
    }

    /// Whether a continued run starts the host again.
    package var isTakenUpAgain: Bool {
        switch self {
        case .stopped, .notStarted, .unknown: true
        case .asDeclared, .differs, .changed, .failed, .notCompiled, .unreachable, .refused: false
        }
    }
}
