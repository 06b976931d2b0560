import FleetModel
import Transport
import Wire

/// What a run does on every host.
package struct RunOptions: Sendable, Equatable {
    package var verb: String
    package var mode: RunRequest.Mode
    package var runID: String
    package var requestedBy: String
    package var deadlineSeconds: Int
    package var wantsContent: Bool
    package var maxDisruption: Disruption
    /// Seconds that a host may take to come back from a reboot.
    package var rebootSeconds: Int
    /// Seconds a request stays valid after it is made.
    package var validSeconds: Int

    package init(
        verb: String, mode: RunRequest.Mode, runID: String, requestedBy: String,
        deadlineSeconds: Int = 600, wantsContent: Bool = false,
        maxDisruption: Disruption = .serviceRestart, rebootSeconds: Int = 900,
        validSeconds: Int = 3_600
    ) {
        self.verb = verb
        self.mode = mode
        self.runID = runID
        self.requestedBy = requestedBy
        self.deadlineSeconds = deadlineSeconds
        self.wantsContent = wantsContent
        self.maxDisruption = maxDisruption
        self.rebootSeconds = rebootSeconds
        self.validSeconds = validSeconds
    }
}

/// One host to contact: how to reach it and which user to become.
package struct HostRoute: Sendable {
    package var host: String
    package var target: SSHTarget
    package var become: Become?
    /// Remarks about the route, such as options passed to the system's ssh.
    package var notices: [String]

    package init(
        host: String, target: SSHTarget, become: Become? = nil, notices: [String] = []
    ) {
        self.host = host
        self.target = target
        self.become = become
        self.notices = notices
    }
}
