import FleetModel
import Linux
import Runs
import Store
import Synchronization
import Views

/// Drives a run: passes events to the machine, records its transitions, then carries out its
/// commands.
struct RunDriver: Sendable {
    let recorder: RunRecorder
    let control: RunControl
    /// Carries out the conversation with a host to its end, whatever that is, and leaves the result in
    /// the line's view.
    ///
    /// Only the driver tells the machine that a host has ended, once this has returned: the run may be
    /// over at that moment, and what the conversation leaves elsewhere is then already there.
    let converse: @Sendable (HostLine, HostState.Progress) async -> Void
    let onEvent: @Sendable (RunEvent) -> Void
    /// The fault of a host that was abandoned or left out.
    let fault: @Sendable (HostOutcome, AbandonReason?, String) -> AgentFault

    struct Result: Sendable {
        var machine: RunMachine
        var views: [String: HostView]
    }

    /// Seconds between two checks of the deadlines.
    private static let tickSeconds = 1

    func drive(_ start: RunMachine) async -> Result {
        let mailbox = RunMailbox()
        mailbox.post(.begin)
        let ticker = Task {
            while true {
                try await Task.sleep(for: .seconds(Self.tickSeconds))
                mailbox.post(.tick)
            }
        }
        let result = await control.during(
            onStop: { mailbox.post(.interrupt) }, onCancel: { mailbox.post(.interrupt) }
        ) {
            await loop(start, mailbox)
        }
        ticker.cancel()
        return result
    }

    private func loop(_ start: RunMachine, _ mailbox: RunMailbox) async -> Result {
        var machine = start
        var lines: [String: HostLine] = [:]
        var views: [String: HostView] = [:]
        while !machine.isOver {
            var steps: [RunStep] = []
            for input in await mailbox.take() {
                steps.append(machine.take(input, at: Clock.monotonicSeconds()))
            }
            var progress = RunProgress()
            for step in steps {
                settle(step, machine, lines, &views)
                progress.transitions += step.transitions
                progress.results += step.transitions.compactMap { transition in
                    views[transition.host].flatMap { view in
                        transition.state.outcome == nil ? nil : HostRecord(view)
                    }
                }
            }
            let failure = await recorder.record(progress)
            // Posted before the events of hosts that are turned back because of this failure.
            if let failure { mailbox.post(.cannotRecord(failure)) }
            for step in steps {
                for remark in step.remarks { onEvent(.remark(remark)) }
                for transition in step.transitions {
                    if let outcome = transition.state.outcome, outcome != .notStarted {
                        onEvent(.hostEnded(transition.host, outcome))
                    }
                }
                for command in step.commands {
                    carryOut(command, isRecorded: failure == nil, mailbox, &lines)
                }
            }
        }
        return Result(machine: machine, views: views)
    }

    /// The views of hosts that ended in a step, including why they were abandoned.
    private func settle(
        _ step: RunStep, _ machine: RunMachine, _ lines: [String: HostLine],
        _ views: inout [String: HostView]
    ) {
        var reasons: [String: AbandonReason] = [:]
        for case .abandon(let host, _, let reason) in step.commands { reasons[host] = reason }
        for transition in step.transitions {
            guard let outcome = transition.state.outcome else { continue }
            let host = transition.host
            var view = lines[host]?.view ?? HostView(host: host, outcome: outcome)
            if view.outcome != outcome || reasons[host] != nil || lines[host] == nil {
                view.outcome = outcome
                view.fault = fault(outcome, reasons[host], machine.stopReason?.text ?? "")
            }
            views[host] = view
        }
    }

    private func carryOut(
        _ command: RunCommand, isRecorded: Bool, _ mailbox: RunMailbox,
        _ lines: inout [String: HostLine]
    ) {
        switch command {
        case .start(let host, let earlier):
            let line = HostLine(host: host) { mailbox.post($0) }
            lines[host] = line
            guard isRecorded else {
                line.view = HostView(host: host, outcome: .notStarted)
                line.tell(.ended(.notStarted, isClean: false))
                return
            }
            onEvent(.hostStarted(host))
            Task {
                await converse(line, earlier)
                let view = line.view
                line.tell(.ended(view.outcome, isClean: view.isClean))
            }
        case .proceed(let host): lines[host]?.answer(isRecorded)
        case .turnBack(let host): lines[host]?.answer(false)
        case .stop(let host): lines[host]?.stop()
        case .abandon(let host, _, _): lines[host]?.abandon()
        case .leaveOut, .finish: break
        }
    }
}

extension HostRecord {
    /// A host's view in the form that the store keeps.
    init(_ view: HostView) {
        self.init(
            host: view.host, outcome: view.outcome.rawValue, plan: view.plan, report: view.json)
    }
}
