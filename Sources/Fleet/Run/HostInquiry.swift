import FleetModel
import Linux
import Runs
import Views
import Wire

/// Handles what an earlier controller of the run began on a host without receiving the result.
extension HostConversation {
    /// Reads from the host's journal how the run went.
    ///
    /// True if that decides the result: the run finished there, and a check adds the present state
    /// to the journal's record. False if the plan is to be carried out (again): the run never
    /// began, the agent died during it, or it was stopped at a safe boundary.
    func isSettled(
        _ session: AgentSession, _ plan: CompiledPlan, _ work: inout HostWork
    ) async throws(AgentFailure) -> Bool {
        guard options.mode == .apply else { return false }
        var answer = try await ask(session)
        if answer.state == .running { line.tell(.running) }
        while answer.state == .running {
            if line.isStopping || line.isAbandoned { break }
            try? await Task.sleep(for: .seconds(1))
            answer = try await ask(session)
        }
        switch answer.state {
        case .none:
            work.view.notices.append("run \(options.runID) had not begun to change this host")
            return false
        case .unfinished:
            work.view.notices.append(
                "run \(options.runID) ended on the way here"
                    + (answer.open.isEmpty
                        ? "" : ", at \(answer.open.joined(separator: ", "))")
                    + "; it is finished now")
            return false
        case .running:
            throw .resultUnknown(
                run: options.runID, cause: "its agent is still at work on the host")
        case .ended where answer.stopped != nil: return false
        case .ended:
            try await takeSettled(answer, session, plan, &work)
            return true
        }
    }

    private func ask(_ session: AgentSession) async throws(AgentFailure) -> JournalAnswer {
        try await session.send(.journal(runID: options.runID))
        guard case .journal(let answer) = try await session.receive() else {
            throw .badReply("the reply to a request for the journal is of another type")
        }
        return answer
    }

    /// Checks the same plan, and adds what changed or failed according to the journal.
    private func takeSettled(
        _ answer: JournalAnswer, _ session: AgentSession, _ plan: CompiledPlan,
        _ work: inout HostWork
    ) async throws(AgentFailure) {
        let pass = PlanPass(
            plan: plan, planned: work.planned, options: options, planner: planner, line: line,
            session: session)
        var outcome = try await pass.run(.check, serial: 0)
        for index in outcome.resources.indices {
            let address = outcome.resources[index].address
            if let fault = answer.failed[address] {
                outcome.resources[index].outcome = .failed
                outcome.resources[index].reason = fault.cause
                outcome.resources[index].fault = fault
            } else if outcome.resources[index].outcome == .asDeclared,
                answer.changed.contains(address)
            {
                outcome.resources[index].outcome = .changed
            }
        }
        work.view.notices.append(
            "what came of the run was read in the host's journal"
                + (answer.plan == plan.digest ? "" : ", and it had applied another plan"))
        work.view.take(outcome)
        work.view.timings["run"] = work.watch.lap()
    }

    /// Continues with a host that an earlier controller told to reboot, or was about to.
    func goOn(
        afterReboot boot: String, _ session: AgentSession, _ work: inout HostWork
    ) async throws(AgentFailure) {
        if session.hello.bootID == boot {
            return try await reboot(session, &work)
        }
        guard await line.ask(.wantsReboot(boot: boot)) else {
            work.view.outcome = .stopped
            return
        }
        try await finish(session, &work)
    }
}
