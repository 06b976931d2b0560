import Runs
import Synchronization

/// Holds the events of a run until the driver takes them; many tasks may post, one takes.
final class RunMailbox: Sendable {
    private struct State {
        var waiting: [RunInput] = []
        var taker: CheckedContinuation<[RunInput], Never>?
    }

    private let state = Mutex(State())

    func post(_ input: RunInput) {
        let taker = state.withLock { state -> CheckedContinuation<[RunInput], Never>? in
            guard let taker = state.taker else {
                state.waiting.append(input)
                return nil
            }
            state.taker = nil
            return taker
        }
        taker?.resume(returning: [input])
    }

    /// Everything posted since the last call; waits if that is nothing.
    ///
    /// Events taken together are recorded together.
    func take() async -> [RunInput] {
        await withCheckedContinuation { continuation in
            let inputs = state.withLock { state -> [RunInput] in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.taker = continuation }
                return state.waiting
            }
            if !inputs.isEmpty { continuation.resume(returning: inputs) }
        }
    }
}
