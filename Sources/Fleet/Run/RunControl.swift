import Synchronization

/// Asks a run to end: first at safe boundaries, then at once.
///
/// Shared by all tasks of the run.
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

    /// Whether no more hosts are to be started.
    package var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Whether running hosts are to be abandoned as well.
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Starts no more hosts; running hosts continue to their next safe boundary.
    ///
    /// A second call abandons the running hosts.
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

    /// Runs the body with actions that are called when the run is asked to stop or cancelled; they
    /// are called at once if that has already happened.
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
