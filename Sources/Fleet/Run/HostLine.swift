import FleetModel
import Runs
import Synchronization
import Views

/// The state shared by the driver of a run and the conversation with one host.
///
/// The conversation reports events and asks for permission for what must be recorded first; the
/// driver answers, and may stop or abandon the host. What is known of the host so far is kept here,
/// so that it can be shown even if the conversation never ends.
final class HostLine: Sendable {
    let host: String
    private let post: @Sendable (RunInput) -> Void

    private struct State {
        var view: HostView
        var asking: CheckedContinuation<Bool, Never>?
        var isStopping = false
        var isAbandoned = false
        var onStop: (@Sendable () -> Void)?
        var onAbandon: (@Sendable () -> Void)?
    }

    private let state: Mutex<State>

    init(host: String, post: @escaping @Sendable (RunInput) -> Void) {
        self.host = host
        self.post = post
        state = Mutex(State(view: HostView(host: host, outcome: .asDeclared)))
    }

    /// What is known of the host.
    var view: HostView {
        get { state.withLock { $0.view } }
        set { state.withLock { $0.view = newValue } }
    }

    /// Forgets the reports of an earlier pass.
    func beginPass() {
        state.withLock { state in
            state.view.resources = []
            state.view.handlers = []
        }
    }

    func add(_ resource: ResourceView) {
        state.withLock { $0.view.resources.append(resource) }
    }

    func add(_ handler: HandlerReport) {
        state.withLock { $0.view.handlers.append(handler) }
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    // MARK: The conversation's side

    func tell(_ event: HostEvent) { post(.host(host, event)) }

    /// Asks for permission; true once the event is recorded and the step may be taken.
    func ask(_ event: HostEvent) async -> Bool {
        await withCheckedContinuation { continuation in
            let isAbandoned = state.withLock { state in
                if !state.isAbandoned { state.asking = continuation }
                return state.isAbandoned
            }
            if isAbandoned {
                continuation.resume(returning: false)
            } else {
                post(.host(host, event))
            }
        }
    }

    /// Runs the body with actions that are called when the host is to be stopped or abandoned; they
    /// are called at once if that has already happened.
    func during<R>(
        onStop: (@Sendable () -> Void)? = nil, onAbandon: (@Sendable () -> Void)? = nil,
        _ body: () async -> R
    ) async -> R {
        let (outerStop, outerAbandon) = state.withLock { state in
            let outer = (state.onStop, state.onAbandon)
            if let onStop { state.onStop = onStop }
            if let onAbandon { state.onAbandon = onAbandon }
            return outer
        }
        if isStopping { onStop?() }
        if isAbandoned { onAbandon?() }
        let result = await body()
        state.withLock { state in
            state.onStop = outerStop
            state.onAbandon = outerAbandon
        }
        return result
    }

    // MARK: The driver's side

    func answer(_ mayProceed: Bool) {
        let asking = state.withLock { state in
            defer { state.asking = nil }
            return state.asking
        }
        asking?.resume(returning: mayProceed)
    }

    func stop() {
        let action = state.withLock { state in
            state.isStopping = true
            return state.onStop
        }
        action?()
    }

    /// Abandons the host; whatever it sends from now on is ignored.
    func abandon() {
        let (action, asking) = state.withLock { state in
            state.isAbandoned = true
            defer { state.asking = nil }
            return (state.onAbandon, state.asking)
        }
        asking?.resume(returning: false)
        action?()
    }
}
