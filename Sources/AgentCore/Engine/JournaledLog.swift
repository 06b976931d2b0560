import FleetModel
import Journal

/// The journal of a running apply, and the handlers that are pending in it.
final class JournaledLog: ApplyLog {
    private var writer: JournalWriter
    private(set) var pending: [PlannedHandler]
    /// By address, the handlers that each intent of this run notifies; an intent whose change left
    /// the host untouched is removed.
    private var notified: [String: [String]] = [:]

    private let number: Int
    private let state: StateDirectory
    /// The plan's bytes, until they are saved beside the journal; nil afterwards.
    private var plan: [UInt8]?

    /// Begins the journal of a run.
    ///
    /// `begin.pending` holds the handlers that earlier runs left pending.
    init(
        number: Int, in state: StateDirectory, begin: RunBegin, plan: [UInt8]
    ) throws(AgentFault) {
        self.number = number
        self.state = state
        self.plan = plan
        pending = begin.pending
        writer = try JournalWriter.create(number, in: state, begin: begin)
    }

    func intend(_ intents: [ChangeIntent]) throws(AgentFault) {
        if let bytes = plan {
            // Only a run that changes something may need its plan again.
            try state.replace(JournalDirectory.planPath(of: number, in: state), bytes)
            plan = nil
        }
        try writer.append(intents.map(JournalRecord.intent))
        try writer.flush()
        for intent in intents {
            pending += intent.handlers.filter { new in
                !pending.contains { $0.address == new.address }
            }
            notified[intent.address] = intent.handlers.map(\.address)
        }
    }

    func finish(_ address: String, _ failure: ChangeFailure?) throws(AgentFault) {
        guard let failure else {
            try writer.append(.done(address: address))
            return
        }
        if failure.isUntouched {
            let gone = notified.removeValue(forKey: address) ?? []
            let others = Set(notified.values.joined())
            pending.removeAll { gone.contains($0.address) && !others.contains($0.address) }
        }
        try writer.append(
            .failed(address: address, fault: failure.fault, isUntouched: failure.isUntouched))
    }

    func finishHandler(_ address: String, _ fault: AgentFault?) throws(AgentFault) {
        if let fault {
            try writer.append(.handlerFailed(address: address, fault: fault))
        } else {
            pending.removeAll { $0.address == address }
            try writer.append(.handlerDone(address: address))
        }
        try writer.flush()
    }

    /// Ends the journal; durable on return.
    func end(stopped: String?) throws(AgentFault) {
        try writer.append(.end(stopped: stopped, isSettled: pending.isEmpty))
        try writer.flush()
    }
}
