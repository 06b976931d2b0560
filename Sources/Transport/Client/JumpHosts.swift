import Linux

/// The sessions with jump hosts: one per jump host, shared by all hosts behind it.
@TransportLoop
final class JumpHosts {
    private struct Failed {
        let error: TransportError
        let until: Double
    }

    /// How many seconds a failed jump host is not tried again: the hosts behind it share its error
    /// instead of waiting for it one after another.
    private nonisolated static let failureSeconds = 15.0

    private let width: Int
    private var sessions: [[SSHTarget]: Task<Result<Session, TransportError>, Never>] = [:]
    private var failed: [[SSHTarget]: Failed] = [:]
    private var turnstiles: [[SSHTarget]: Turnstile] = [:]

    nonisolated init(width: Int) { self.width = width }

    /// The turnstile in front of the last host of a path.
    func turnstile(_ path: [SSHTarget]) -> Turnstile {
        if let turnstile = turnstiles[path] { return turnstile }
        let turnstile = Turnstile(limit: width)
        turnstiles[path] = turnstile
        return turnstile
    }

    /// The session with the last host of a path, and whether this call opened it, by `open`.
    func session(
        _ path: [SSHTarget],
        open: @escaping @TransportLoop @Sendable () async -> Result<Session, TransportError>
    ) async throws(TransportError) -> (Session, isFresh: Bool) {
        if let failure = failed[path], failure.until > Clock.monotonicSeconds() {
            throw failure.error
        }
        if let running = sessions[path] {
            switch await running.value {
            case .success(let session) where session.isOpen && !session.isGone:
                return (session, false)
            case .success: if sessions[path] == running { sessions[path] = nil }
            case .failure(let error): throw error
            }
        }
        if let running = sessions[path] { return (try await running.value.get(), true) }
        let task = Task { await open() }
        sessions[path] = task
        switch await task.value {
        case .success(let session): return (session, true)
        case .failure(let error):
            if sessions[path] == task { sessions[path] = nil }
            if error.kind != .cancelled {
                failed[path] = Failed(
                    error: error, until: Clock.monotonicSeconds() + Self.failureSeconds)
            }
            throw error
        }
    }

    /// Ends all sessions.
    func close() async {
        let all = sessions.values
        sessions = [:]
        for task in all { if case .success(let session) = await task.value { session.close() } }
    }
}
