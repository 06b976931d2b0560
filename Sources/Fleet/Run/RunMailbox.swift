import Runs
import Synchronization

/// Where what happens in a run waits for the one who drives it; many may post, one takes.
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

    /// Everything that has been posted since the last call, waiting for something where that is
    /// nothing: what came together is recorded together.
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
