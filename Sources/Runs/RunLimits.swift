/// How long a host may stay in each state, in seconds.
///
/// The conversation with a host has time limits of its own that say more of the cause. These come
/// after them, for what those do not catch: a run must end whatever a host does.
package struct RunLimits: Sendable, Equatable {
    package var connecting: Double
    package var running: Double
    package var rebooting: Double

    package init(connecting: Double = 900, running: Double = 720, rebooting: Double = 1_320) {
        self.connecting = connecting
        self.running = running
        self.rebooting = rebooting
    }

    /// The limits that leave a conversation time to come to an end by itself.
    ///
    /// - Parameters:
    ///   - deadlineSeconds: what the agent may take for a run.
    ///   - rebootSeconds: what a host may take to come back.
    package init(deadlineSeconds: Int, rebootSeconds: Int) {
        // Logging in is tried more than once, and waits behind a jump host until another host's run
        // is over; the agent may have to be sent (300 s), started (60 s) and asked for facts (60 s).
        connecting = Double(deadlineSeconds) + 900
        running = Double(deadlineSeconds) + 120
        // A last try to log in may begin when the time is over, and the boot is waited for (330 s).
        rebooting = Double(rebootSeconds) + 660
    }

    /// The limit of a state; nil where the host is not being worked on.
    package func seconds(in state: HostState.Name) -> Double? {
        switch state {
        case .waiting, .ended: nil
        case .connecting: connecting
        case .planned, .running, .back: running
        case .rebooting: rebooting
        }
    }
}
