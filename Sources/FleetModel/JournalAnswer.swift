import Wire

/// What a host's journal records of one run, for a controller that did not hear how it ended.
package struct JournalAnswer: ModelCodable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// The run changed nothing here: it never began, or its journal is no longer kept.
        case none
        /// The run's agent is still working.
        case running
        /// The run finished, or stopped at a safe boundary.
        case ended
        /// The run's agent died before the end.
        case unfinished
    }

    package var state: State
    /// The plan that was applied; nil where there is no journal of the run.
    package var plan: Digest?
    /// Why the run ended before its last resource; nil if it did not.
    package var stopped: String?
    /// The addresses of resources that were changed and verified.
    package var changed: [String]
    /// The changes that failed, by address.
    package var failed: [String: AgentFault]
    /// The addresses of changes that were begun and whose outcome is not known.
    package var open: [String]

    package init(
        state: State, plan: Digest? = nil, stopped: String? = nil, changed: [String] = [],
        failed: [String: AgentFault] = [:], open: [String] = []
    ) {
        self.state = state
        self.plan = plan
        self.stopped = stopped
        self.changed = changed
        self.failed = failed
        self.open = open
    }

    package var json: JSON {
        .compact([
            "state": .string(state.rawValue), "plan": .optional(plan?.description),
            "stopped": .optional(stopped), "changed": .strings(changed),
            "failed": .object(failed.mapValues(\.json)), "open": .strings(open),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "journal answer")
        state = try reader.name("state")
        plan = try reader.optionalString("plan").flatMap { Digest($0) }
        stopped = try reader.optionalString("stopped")
        changed = try reader.strings("changed")
        failed = [:]
        for (address, fault) in try reader.object("failed") {
            failed[address] = try AgentFault(json: fault)
        }
        open = try reader.strings("open")
        try reader.end()
    }
}
