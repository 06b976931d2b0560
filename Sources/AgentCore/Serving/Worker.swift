import FleetModel
import Glibc
import HostFacts
import Journal
import Linux
import Resources
import Wire

/// Serves one request: reads facts, checks or applies a plan.
struct Worker {
    let conversation: Conversation
    let state: StateDirectory
    let machine: any Machine
    /// When the agent said hello, by the monotonic clock; requests expire a given time after that.
    var helloSeconds = Clock.monotonicSeconds()
    var activity: (String) -> Void = { _ in }
    /// The CPUs the worker ran on.
    let cost = Cost()

    /// Serves a run and returns its end; throws a fault if the run is refused.
    func serve(_ request: RunRequest) throws(AgentFault) -> RunEnd {
        let watch = Stopwatch()
        guard geteuid() == 0 else {
            throw AgentFault(
                "not-root", request.mode.rawValue, cause: "the agent runs as user \(geteuid())",
                hint: "let the user run the agent with sudo -n, or log in as root")
        }
        let age = Clock.monotonicSeconds() - helloSeconds
        guard age < Double(request.expiresAfterSeconds) else {
            throw AgentFault(
                "expired", "\(request.mode.rawValue) plan \(request.plan.short)",
                cause: "the request was to begin within \(request.expiresAfterSeconds) s of the "
                    + "agent's start, and \(Int(age)) s have passed",
                hint: "the controller or the connection was blocked for that time: plan again")
        }
        var end: RunEnd
        switch request.mode {
        case .check: end = try check(request)
        case .apply: end = try ApplyService(worker: self, request: request).serve()
        }
        end.wallMicroseconds = watch.microseconds
        end.cpus = cost.cpuList()
        return end
    }

    /// Sends a report, and notes the CPU it runs on.
    func report(_ reply: Reply) {
        cost.sample()
        conversation.send(reply)
    }

    /// Settings that hold the reports of a check and send them together before its next step, which
    /// may be slow or hang.
    private func checkSetting(_ host: Host) -> RunSetting {
        RunSetting(
            host: host,
            report: { reply in
                cost.sample()
                conversation.hold(reply)
            },
            stopReason: conversation.stopReason,
            activity: { step in
                conversation.sendHeld()
                activity(step)
            })
    }

    /// Facts of this host, for what is expected of them.
    func facts(hardware: Bool, sections: [String]) -> JSON {
        FactsReader(machine: machine).facts(hardware: hardware, sections: sections)
    }

    /// The plan of a request, checked and bound.
    func plan(_ request: RunRequest) throws(AgentFault) -> (bound: BoundPlan, bytes: [UInt8]) {
        activity("receive the plan")
        let bytes = try conversation.blob(request.plan)
        conversation.blobs.forget(request.plan)
        return (try BoundPlan(bytes: bytes, digest: request.plan), bytes)
    }

    private func check(_ request: RunRequest) throws(AgentFault) -> RunEnd {
        let plan = try plan(request).bound
        let host = Host(
            machine: machine, wantsContent: request.wantsContent,
            blob: conversation.blob,
            keep: { content throws(AgentFault) in Digest(of: content) })
        host.stateDirectory = state.path
        host.facts = facts
        var setting = checkSetting(host)
        setting.conflicts = ConflictFinder(machine: machine).findings(in: plan)
        var run = CheckRun(plan, setting)
        let result = run.run()
        var end = RunEnd(
            cpuMicroseconds: 0, cpus: "", residentBytes: 0, wallMicroseconds: 0,
            stopped: result.stopped)
        if let holder = ApplyLock.holder(of: state) {
            end.notices.append(
                "\(holder) is applying on this host; what was read may be only partly changed")
        }
        for handler in try reportPending(plan.plan, &end) {
            conversation.send(.handler(handler))
        }
        end.orphans = try DeclaredRecord(of: state).orphans(beside: plan.plan)
        return end
    }

    private func reportPending(
        _ plan: Plan, _ end: inout RunEnd
    ) throws(AgentFault) -> [HandlerReport] {
        guard let last = try JournalDirectory.unsettled(in: state) else { return [] }
        if let notice = last.unfinishedNotice { end.notices.append(notice) }
        return last.pending.map {
            HandlerReport(
                address: $0.address, outcome: .pending,
                reason:
                    "notified by run \(last.begin.runID) or an earlier run; the next apply runs it"
            )
        }
    }
}

extension JournalState {
    /// The notice about a run that did not finish.
    var unfinishedNotice: String? {
        if isFinished { return nil }
        let open = openChanges.map(\.address)
        let detail =
            open.isEmpty ? "" : "; these changes may be incomplete: \(open.joined(separator: ", "))"
        return "run \(begin.runID) of \(begin.requestedBy), begun "
            + "\(Clock.rfc3339(Double(begin.time))), did not finish\(detail)"
    }
}
