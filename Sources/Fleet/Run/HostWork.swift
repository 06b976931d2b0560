import FleetModel
import Linux
import Runs
import Views

/// The results of a conversation with one host so far: the plan, the view, the times.
struct HostWork {
    var view: HostView
    var planned: PlannedHost
    var watch = Stopwatch()
    var compileMicroseconds = 0
    /// Whether a request that changes the host may have reached its agent.
    var mayHaveChanged = false
    /// The id of the boot that the host was told to leave.
    var bootLeft: String?

    init(_ route: HostRoute, _ planned: PlannedHost) {
        view = HostView(host: route.host, outcome: .asDeclared, notices: route.notices)
        self.planned = planned
    }
}

/// Splits time into laps of microseconds.
struct Stopwatch {
    private var last = Clock.monotonicSeconds()

    /// Microseconds since the last lap or the start.
    mutating func lap() -> Int {
        let now = Clock.monotonicSeconds()
        defer { last = now }
        return Int((now - last) * 1e6)
    }
}
