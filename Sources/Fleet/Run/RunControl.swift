import Synchronization

/// How a run is asked to end: first softly, then at once.
///
/// Shared by all its tasks.
package final class RunControl: Sendable {
    private struct State {
        var isStopping = false
        var isCancelled = false
        var next = 0
        var onStop: [Int: @Sendable () -> Void] = [:]
        var onCancel: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Whether no further host is to be started.
    package var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Whether running hosts are to be given up as well.
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// No further host is started; running ones come to their next safe boundary.
    ///
    /// Asked again, the running ones are given up.
    package func requestStop() {
        let actions = state.withLock { state -> [@Sendable () -> Void] in
            if !state.isStopping {
                state.isStopping = true
                return Array(state.onStop.values)
            }
            state.isCancelled = true
            return Array(state.onCancel.values)
        }
        for action in actions { action() }
    }

    /// Runs the body with actions that are called when the run is asked to stop or cancelled; at
    /// once where that was before.
    func during<R>(
        onStop: @escaping @Sendable () -> Void, onCancel: @escaping @Sendable () -> Void,
        _ body: () async -> R
    ) async -> R {
        let (key, isStopping, isCancelled) = state.withLock { state in
            state.next += 1
            state.onStop[state.next] = onStop
            state.onCancel[state.next] = onCancel
            return (state.next, state.isStopping, state.isCancelled)
        }
        if isStopping { onStop() }
        if isCancelled { onCancel() }
        let result = await body()
        state.withLock { state in
            state.onStop[key] = nil
            state.onCancel[key] = nil
        }
        return result
    }
}
