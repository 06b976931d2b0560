import FleetModel
import Wire

/// The state of a run according to its journal: where a next run, or a recovery, continues.
package struct JournalState: Sendable, Equatable {
    /// The progress of one change.
    package enum Progress: Sendable, Equatable {
        /// The agent died between the intent and its outcome: it is not known how much was changed.
        case open
        case done
        case failed(AgentFault, isUntouched: Bool)
    }

    package struct RecordedChange: Sendable, Equatable {
        package var intent: ChangeIntent
        package var progress: Progress
    }

    /// The journal's number; each apply takes the next number.
    package var number: Int
    package var begin: RunBegin
    /// In the order they were made.
    package var changes: [RecordedChange]
    /// Handlers still to run, in the order they became pending.
    package var pending: [PlannedHandler]
    /// Whether the run finished or stopped at a safe boundary.
    package var isFinished: Bool
    /// Why the run was stopped early; nil if it was not.
    package var stopped: String?
    /// Whether a damaged tail was ignored.
    package var isTorn: Bool

    /// Replays records; nil if there is no begin record.
    package init?(number: Int, records: [JournalRecord], isTorn: Bool) {
        guard case .begin(let begin) = records.first else { return nil }
        self.number = number
        self.begin = begin
        self.isTorn = isTorn
        changes = []
        pending = begin.pending
        isFinished = false
        for record in records.dropFirst() { apply(record) }
    }

    private mutating func apply(_ record: JournalRecord) {
        switch record {
        case .begin: break
        case .intent(let intent):
            changes.append(RecordedChange(intent: intent, progress: .open))
            for handler in intent.handlers
            where !pending.contains(where: { $0.address == handler.address }) {
                pending.append(handler)
            }
        case .done(let address): close(address, .done)
        case .failed(let address, let fault, let isUntouched):
            close(address, .failed(fault, isUntouched: isUntouched))
            guard isUntouched,
                let intent = changes.last(where: { $0.intent.address == address })?.intent
            else { break }
            // Handlers that another change notifies stay pending.
            let added = Set(intent.handlers.map(\.address)).subtracting(notified)
            pending.removeAll { added.contains($0.address) }
        case .handlerDone(let address): pending.removeAll { $0.address == address }
        case .handlerFailed: break
        case .end(let reason, _):
            isFinished = true
            stopped = reason
        }
    }

    /// The handlers notified by changes that may have had an effect.
    private var notified: [String] {
        changes.flatMap { change -> [String] in
            if case .failed(_, isUntouched: true) = change.progress { return [] }
            return change.intent.handlers.map(\.address)
        }
    }

    private mutating func close(_ address: String, _ progress: Progress) {
        if let index = changes.lastIndex(where: { $0.intent.address == address }) {
            changes[index].progress = progress
        }
    }

    /// Changes whose outcome is not known.
    package var openChanges: [ChangeIntent] {
        changes.filter { $0.progress == .open }.map(\.intent)
    }

    /// Every content that a before-image of this journal names.
    package var beforeContents: Set<Digest> {
        var digests: Set<Digest> = []
        for change in changes {
            digests.formUnion(change.intent.before.compactMap(\.content))
        }
        return digests
    }
}
