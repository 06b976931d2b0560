import FleetModel
import Views
import Wire

/// An event in a run, as the machine receives it.
package enum RunInput: Sendable, Equatable {
    /// The run begins, or is continued.
    case begin
    case host(String, HostEvent)
    /// The operator asked to end the run: the first time at safe boundaries, the second time at
    /// once.
    case interrupt
    /// Time has passed: the deadlines are checked.
    case tick
    /// Neither the store nor the file beside it accepts entries any more.
    case cannotRecord(String)
}

/// What a conversation with one host reports to the machine.
package enum HostEvent: Sendable, Equatable {
    /// The plan is fixed; asks whether the request may be sent. Answered by `proceed` or
    /// `turnBack`.
    case planned(Digest, serial: Int)
    /// The agent has begun to answer the request.
    case running
    /// The remaining changes wait for a reboot from this boot; asks whether the host may be told to
    /// reboot. Answered like `planned`.
    case wantsReboot(boot: String)
    /// The host is back with another boot; asks whether its plan may be carried out once more with
    /// this serial. Answered like `planned`.
    case back(serial: Int)
    /// The host has ended. `isClean`: no declared change is left to make on it.
    case ended(HostOutcome, isClean: Bool)
}

/// What the driver has to do next.
package enum RunCommand: Sendable, Equatable {
    /// Begin with the host; `after` tells what an earlier controller may have begun on it.
    case start(String, after: HostState.Progress)
    /// The host has permission for what it asked.
    case proceed(String)
    /// The host has no permission: it ends in its present state.
    case turnBack(String)
    /// Have the agent stop at its next safe boundary.
    case stop(String)
    /// Abandon the host at once; its outcome is decided already.
    case abandon(String, HostOutcome, AbandonReason)
    /// The host has not begun, and will not begin.
    case leaveOut(String)
    /// Every host has ended.
    case finish
}

/// Why a host is abandoned before it has ended by itself.
package enum AbandonReason: Sendable, Equatable {
    case interrupted
    /// It stayed in this state for longer than this limit in seconds.
    case deadline(HostState.Name, seconds: Double)
}

/// A host's new state, which is recorded before the commands that came with it are carried out.
package struct HostTransition: Sendable, Equatable {
    package var host: String
    package var state: HostState
    /// Whether an ended host succeeded; nil while it has not ended.
    package var isGood: Bool?

    package init(host: String, state: HostState, isGood: Bool? = nil) {
        self.host = host
        self.state = state
        self.isGood = isGood
    }
}

/// What follows from one input: first the transitions to record, then the commands to carry out.
package struct RunStep: Sendable, Equatable {
    package var transitions: [HostTransition] = []
    package var commands: [RunCommand] = []
    /// Remarks to show at once.
    package var remarks: [String] = []

    package init() {}
}
