import FleetModel
import Views
import Wire

/// What happens in a run, as the machine is told.
package enum RunInput: Sendable, Equatable {
    /// The run begins, or goes on.
    case begin
    case host(String, HostEvent)
    /// The operator asked to end it: the first time softly, the second time at once.
    case interrupt
    /// Time has passed: deadlines are looked at.
    case tick
    /// Neither the store nor the file beside it takes anything any more.
    case cannotRecord(String)
}

/// What a conversation with one host tells the machine.
package enum HostEvent: Sendable, Equatable {
    /// The plan is fixed; may the request be sent? Answered by `proceed` or `turnBack`.
    case planned(Digest, serial: Int)
    /// The agent has begun to answer the request.
    case running
    /// What is left waits for a reboot from this boot; may it be told? Answered like `planned`.
    case wantsReboot(boot: String)
    /// It is back with another boot, and its plan may be carried out once more with this serial.
    /// Answered like `planned`.
    case back(serial: Int)
    /// It came to its end. `isClean`: nothing declared is left to be made on it.
    case ended(HostOutcome, isClean: Bool)
}

/// What has to be done next, by those who can.
package enum RunCommand: Sendable, Equatable {
    /// Begin with the host; `after` says what an earlier controller may have begun on it.
    case start(String, after: HostState.Progress)
    /// The host may do what it asked leave for.
    case proceed(String)
    /// The host may not: it ends where it stands.
    case turnBack(String)
    /// Have the agent come to its next safe boundary.
    case stop(String)
    /// Let go of the host at once; its end is known already.
    case abandon(String, HostOutcome, AbandonReason)
    /// The host never began, and will not.
    case leaveOut(String)
    /// Every host has come to its end.
    case finish
}

/// Why a host is let go of before it has come to its end by itself.
package enum AbandonReason: Sendable, Equatable {
    case interrupted
    /// It stayed in this state for longer than it may: so many seconds.
    case deadline(HostState.Name, seconds: Double)
}

/// A host's new state, to be recorded before the commands that came with it are carried out.
package struct HostTransition: Sendable, Equatable {
    package var host: String
    package var state: HostState
    /// Whether an ended host came out as it should; nil while it has not ended.
    package var isGood: Bool?

    package init(host: String, state: HostState, isGood: Bool? = nil) {
        self.host = host
        self.state = state
        self.isGood = isGood
    }
}

/// What follows from one input: first what is to be recorded, then what is to be done.
package struct RunStep: Sendable, Equatable {
    package var transitions: [HostTransition] = []
    package var commands: [RunCommand] = []
    /// Remarks to be shown at once.
    package var remarks: [String] = []

    package init() {}
}
