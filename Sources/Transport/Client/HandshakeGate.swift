import Linux

/// Lets as many sessions exchange keys at once as ``HandshakeWidth`` allows.
///
/// A server that says nothing takes no place: it costs no CPU time, and a hung host must not hold up
/// the others.
@TransportLoop
final class HandshakeGate {
    private let turnstile: Turnstile
    private var width: HandshakeWidth

    nonisolated init(width: Int) {
        let start = HandshakeWidth(most: width)
        self.width = start
        turnstile = Turnstile(limit: start.limit)
    }

    /// Exchanges that may be under way at once now.
    var limit: Int { width.limit }

    /// Waits for the server's greeting and then for a place; nil where the server says nothing in half
    /// of the time, and is left to the handshake's own time limit.
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

        /// Keys were exchanged within the time allowed.
        func succeeded(of allowed: Double) {
            gate.learn {
                $0.succeeded(began: began, now: Clock.monotonicSeconds(), allowed: allowed)
            }
        }

        func timedOut() {
            gate.learn { $0.timedOut(began: began, now: Clock.monotonicSeconds()) }
        }

        /// Gives the place back; once.
        func end() {
            if isOver { return }
            isOver = true
            gate.turnstile.leave()
        }
    }
}
