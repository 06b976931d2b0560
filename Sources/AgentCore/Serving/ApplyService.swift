import FleetModel
import Glibc
import Journal
import Kinds
import Linux
import Resources
import Wire

/// Serves an apply from request to end: lock, serial, journal, changes, and what is recorded.
struct ApplyService {
    let worker: Worker
    let request: RunRequest

    private var state: StateDirectory { worker.state }

    func serve() throws(AgentFault) -> RunEnd {
        try state.prepare()
        let lock = try ApplyLock.take(
            in: state,
            as: ApplyLock.Holder(
                pid: Int(getpid()), runID: request.runID, requestedBy: request.requestedBy,
                since: Int(Clock.wallSeconds())))
        let last = try JournalDirectory.latest(in: state)
        if let last, request.serial <= last.begin.serial {
            throw AgentFault(
                "stale-serial", "apply plan \(request.plan.short)",
                cause: "its serial is \(request.serial), but \(last.begin.serial) was applied here",
                hint: "another controller applied here since this one connected: plan again, and "
                    + "check what that controller changed")
        }
        state.emptySpool()
        LeftOvers.remove(in: state)
        if let last, !last.isFinished { LeftOvers.remove(after: last, in: state) }
        worker.conversation.blobs.spool = state.spool
        let (bound, bytes) = try worker.plan(request)
        let number = (try JournalDirectory.numbers(in: state).last ?? 0) + 1
        let log = try JournaledLog(
            number: number, in: state, begin: begin(bound.plan, after: last), plan: bytes)
        var setting = setting()
        setting.conflicts = ConflictFinder(machine: worker.machine).findings(in: bound)
        var run = ApplyRun(bound, setting, log: log)
        let result = run.run()
        var end = RunEnd(
            cpuMicroseconds: 0, cpus: "", residentBytes: 0, wallMicroseconds: 0,
            stopped: result.stopped)
        if let notice = last?.unfinishedNotice { end.notices.append(notice) }
        conclude(bound.plan, bytes, result, log, &end)
        _ = consume lock
        return end
    }

    private func begin(_ plan: Plan, after last: JournalState?) -> RunBegin {
        // A pending handler that this plan also has runs as this plan defines it.
        let pending = (last?.pending ?? []).map { old in
            plan.handlers.first { $0.address == old.address } ?? old
        }
        let bootID = (try? worker.machine.textIfPresent("/proc/sys/kernel/random/boot_id")) ?? nil
        return RunBegin(
            runID: request.runID, plan: request.plan, serial: request.serial,
            requestedBy: request.requestedBy, time: Int(Clock.wallSeconds()),
            bootID: bootID?.filter { $0 != "\n" } ?? "", pending: pending,
            follows: last.flatMap { $0.isFinished ? $0.begin.follows : $0.number })
    }

    private func setting() -> RunSetting {
        let conversation = worker.conversation
        let store = BeforeStore(state)
        let host = Host(
            machine: worker.machine, wantsContent: request.wantsContent, blob: conversation.blob,
            keep: store.keep)
        host.spooled = conversation.spooled
        host.stateDirectory = state.path
        host.facts = worker.facts
        return RunSetting(
            host: host, report: worker.report, stopReason: conversation.stopReason,
            activity: worker.activity, maxDisruption: request.maxDisruption,
            runHandler: { handler throws(AgentFault) in try HandlerRunner.run(handler, on: host) })
    }

    /// Records how the apply ended.
    ///
    /// A failure here is reported as a notice; the changes stay.
    private func conclude(
        _ plan: Plan, _ bytes: [UInt8], _ result: RunResult, _ log: JournaledLog,
        _ end: inout RunEnd
    ) {
        do {
            var declared = try DeclaredRecord(of: state)
            let before = declared
            // An older agent may have recorded kinds that leave nothing behind.
            declared.entries.removeAll { $0.kind.schema.traits.remains == .nothing }
            declared.take(plan, applied: result.inPlace) { resource in
                let schema = resource.kind.schema
                return schema.traits.remains == .listed && !schema.isAbsent(resource.attributes)
            }
            end.orphans = declared.orphans(beside: plan)
            if declared != before {
                try state.replace(state.declared, declared.json.canonicalBytes)
            }
            if result.stopped == nil, try state.read(state.lastPlan) != bytes {
                try state.replace(state.lastPlan, bytes)
            }
            try log.end(stopped: result.stopped)
            try JournalDirectory.prune(in: state)
        } catch {
            end.notices.append("the apply was made, but the agent \(error.text)")
        }
        state.emptySpool()
    }
}
