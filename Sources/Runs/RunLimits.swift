/// How long a host may stay in each state, in seconds.
///
/// The conversation with a host has its own, shorter time limits, which name the cause better.
/// These limits catch whatever those do not: a run must end whatever a host does.
package struct RunLimits: Sendable, Equatable {
    package var connecting: Double
    package var running: Double
    package var rebooting: Double

    package init(connecting: Double = 900, running: Double = 720, rebooting: Double = 1_320) {
        self.connecting = connecting
        self.running = running
        self.rebooting = rebooting
    }

    /// Limits that leave a conversation time to end by itself.
    ///
    /// - Parameters:
    ///   - deadlineSeconds: what the agent may take for a run.
    ///   - rebootSeconds: what a host may take to come back.
    package init(deadlineSeconds: Int, rebootSeconds: Int) {
        // Logging in is tried more than once, and may wait behind a jump host until the run of
        // another host has ended; the agent may have to be sent (300 s), started (60 s) and asked
        // for facts (60 s).
        connecting = Double(deadlineSeconds) + 900
        running = Double(deadlineSeconds) + 120
        // A last attempt to log in may begin when the time is over, and then the boot is waited for
        // (330 s).
        rebooting = Double(rebootSeconds) + 660
    }

    /// The limit of a state; nil if the host is not being worked on in it.
    package func seconds(in state: HostState.Name) -> Double? {
        switch state {
        case .waiting, .ended: nil
        case .connecting: connecting
        case .planned, .running, .back: running
        case .rebooting: rebooting
        }
    }
}
