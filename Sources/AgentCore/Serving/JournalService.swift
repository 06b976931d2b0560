import FleetModel
import Journal

/// Answers how a run on this host went, from its journals.
struct JournalService {
    let state: StateDirectory

    /// The newest journal of the run counts: a run that was resumed has several.
    func answer(runID: String) throws(AgentFault) -> JournalAnswer {
        let isHeld = ApplyLock.isApplying(runID: runID, in: state)
        for number in try JournalDirectory.numbers(in: state).reversed() {
            guard let journal = try JournalDirectory.state(of: number, in: state),
                journal.begin.runID == runID
            else { continue }
            return answer(from: journal, isHeld: isHeld)
        }
        return JournalAnswer(state: isHeld ? .running : .none)
    }

    private func answer(from journal: JournalState, isHeld: Bool) -> JournalAnswer {
        var answer = JournalAnswer(
            state: isHeld ? .running : journal.isFinished ? .ended : .unfinished,
            plan: journal.begin.plan, stopped: journal.stopped)
        for change in journal.changes {
            let address = change.intent.address
            switch change.progress {
            case .open: answer.open.append(address)
            case .done: answer.changed.append(address)
            case .failed(let fault, _): answer.failed[address] = fault
            }
        }
        return answer
    }
}
