import FleetModel
import Runs
import Wire

/// One run as the store keeps it.
package struct RunRecord: Sendable, Equatable {
    package var id: String
    package var verb: String
    /// `user@machine`.
    package var requestedBy: String
    package var pattern: String
    /// What is needed to continue the run: its mode, limits, brakes and arguments.
    package var options: JSON
    /// Whether the run changes hosts; then each of its records is durable.
    package var applies: Bool
    /// Seconds since the epoch.
    package var started: Double
    /// Nil while the run is going on, and for ever if its controller died.
    package var ended: Double?
    package var exitCode: Int?
    /// The counts of the run, as in its JSON view.
    package var summary: JSON?

    package init(
        id: String, verb: String, requestedBy: String, pattern: String, options: JSON = .null,
        applies: Bool = false, started: Double, ended: Double? = nil, exitCode: Int? = nil,
        summary: JSON? = nil
    ) {
        self.id = id
        self.verb = verb
        self.requestedBy = requestedBy
        self.pattern = pattern
        self.options = options
        self.applies = applies
        self.started = started
        self.ended = ended
        self.exitCode = exitCode
        self.summary = summary
    }
}

/// A host of a run: its state, and the plan that was shown for it.
package struct RunHost: Sendable, Equatable {
    package var transition: HostTransition
    /// The digest of the plan that the operator saw; nil if none was shown.
    package var expected: Digest?

    package var host: String { transition.host }

    package init(_ transition: HostTransition, expected: Digest? = nil) {
        self.transition = transition
        self.expected = expected
    }

    /// A host whose turn has not come.
    package init(waiting host: String, expected: Digest? = nil) {
        self.init(HostTransition(host: host, state: .waiting), expected: expected)
    }
}

/// Entries that are recorded together: new states, and results of hosts that ended.
package struct RunProgress: Sendable, Equatable {
    package var transitions: [HostTransition]
    package var results: [HostRecord]

    package init(transitions: [HostTransition] = [], results: [HostRecord] = []) {
        self.transitions = transitions
        self.results = results
    }

    package var isEmpty: Bool { transitions.isEmpty && results.isEmpty }
}

/// How a run ended.
package struct RunEnding: Sendable, Equatable {
    /// Seconds since the epoch.
    package var time: Double
    package var exitCode: Int
    package var summary: JSON

    package init(time: Double, exitCode: Int, summary: JSON) {
        self.time = time
        self.exitCode = exitCode
        self.summary = summary
    }
}

/// The result of a run on one host.
package struct HostRecord: Sendable, Equatable {
    package var host: String
    /// `changed`, `as_declared`, `unreachable`, …: the worst outcome on the host.
    package var outcome: String
    package var plan: Digest?
    /// The host's part of the run's JSON view.
    ///
    /// Holds no secret.
    package var report: JSON

    package init(host: String, outcome: String, plan: Digest?, report: JSON) {
        self.host = host
        self.outcome = outcome
        self.plan = plan
        self.report = report
    }
}

/// Hardware facts of a host, with the time of reading.
package struct FactsRecord: Sendable, Equatable {
    package var host: String
    package var digest: Digest
    package var facts: JSON
    /// Seconds since the epoch.
    package var taken: Double

    package init(host: String, digest: Digest, facts: JSON, taken: Double) {
        self.host = host
        self.digest = digest
        self.facts = facts
        self.taken = taken
    }
}

/// A saved plan: what was shown, to be applied without any difference.
package struct SavedPlan: Sendable, Equatable {
    package var id: String
    package var created: Double
    package var requestedBy: String
    /// The options it was made with (`--set`, `--tags`), to detect whether it is outdated.
    package var arguments: JSON
    package var plans: [CompiledPlan]

    package init(
        id: String, created: Double, requestedBy: String, arguments: JSON, plans: [CompiledPlan]
    ) {
        self.id = id
        self.created = created
        self.requestedBy = requestedBy
        self.arguments = arguments
        self.plans = plans
    }
}
