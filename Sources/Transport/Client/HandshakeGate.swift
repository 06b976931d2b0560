import Linux

/// Limits how many sessions exchange keys at once to ``HandshakeWidth``.
///
/// A server that sends nothing takes no place: it costs no CPU time, and a host that hangs must not
/// delay the others.
@TransportLoop
final class HandshakeGate {
    private let turnstile: Turnstile
    private var width: HandshakeWidth

    nonisolated init(width: Int) {
        let start = HandshakeWidth(most: width)
        self.width = start
        turnstile = Turnstile(limit: start.limit)
    }

    /// How many exchanges may run at once now.
    var limit: Int { width.limit }

    /// Waits for the server's greeting and then for a place; nil if the server sends nothing in
    /// half of the time, in which case the handshake's own time limit applies.
    func turn(
        of session: Session, withinSeconds seconds: Double
    ) async throws(TransportError) -> Turn? {
        guard try await session.greets(withinSeconds: seconds / 2) else { return nil }
        guard await turnstile.enter() else { throw session.error(.cancelled) }
        return Turn(self)
    }

    private func learn(_ lesson: (inout HandshakeWidth) -> Void) {
        lesson(&width)
        if turnstile.limit != width.limit { turnstile.limit = width.limit }
    }

    /// One session's place.
    @TransportLoop
    final class Turn {
        private let gate: HandshakeGate
        private let began = Clock.monotonicSeconds()
        private var isOver = false

        init(_ gate: HandshakeGate) { self.gate = gate }

        /// Records that keys were exchanged within the time allowed.
        func succeeded(of allowed: Double) {
            gate.learn {
                $0.succeeded(began: began, now: Clock.monotonicSeconds(), allowed: allowed)
            }
        }

        func timedOut() {
            gate.learn { $0.timedOut(began: began, now: Clock.monotonicSeconds()) }
        }

        /// Releases the place; only the first call has an effect.
        func end() {
            if isOver { return }
            isOver = true
            gate.turnstile.leave()
        }
    }
}
