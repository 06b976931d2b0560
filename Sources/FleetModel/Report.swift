import Wire

/// The outcome of one resource in a check or an apply.
package struct ResourceReport: ModelCodable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable {
        /// As declared; the reason says how that is known.
        case asDeclared = "as_declared"
        /// Differs; a check or a preview found it.
        case wouldChange = "would_change"
        /// Cannot be determined before an earlier change is made.
        case dependsOnEarlier = "depends_on_earlier"
        /// Changed and verified.
        case changed
        /// Correct on disk; the kernel takes the value at a reboot or reload.
        case pending
        /// This machine does not have what the resource configures.
        case notApplicable = "not_applicable"
        /// The present state could not be determined.
        case unknown
        case failed
        /// Not tried: something it requires failed, or the run was stopped.
        case skipped
    }

    package var address: String
    package var outcome: Outcome
    /// Why, in a few words; never empty.
    package var reason: String
    package var changes: [Change]
    package var fault: AgentFault?
    /// Findings that no apply can correct.
    package var findings: [HostFinding]
    /// Time spent on the resource, in microseconds; the time of a batched observation is divided
    /// evenly.
    package var microseconds: Int

    package init(
        address: String, outcome: Outcome, reason: String, changes: [Change] = [],
        fault: AgentFault? = nil, findings: [HostFinding] = [], microseconds: Int = 0
    ) {
        self.address = address
        self.outcome = outcome
        self.reason = reason
        self.changes = changes
        self.fault = fault
        self.findings = findings
        self.microseconds = microseconds
    }

    package var json: JSON {
        .compact([
            "address": .string(address), "outcome": .string(outcome.rawValue),
            "reason": .string(reason),
            "changes": changes.isEmpty ? nil : .array(changes.map(\.json)),
            "fault": fault?.json, "findings": findings.isEmpty ? nil : .array(findings.map(\.json)),
            "microseconds": .integer(microseconds),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "resource report")
        address = try reader.string("address")
        outcome = try reader.name("outcome")
        reason = try reader.string("reason")
        changes = try reader.models("changes")
        fault = try reader.optional("fault").map { (json) throws(JSONError) in
            try AgentFault(json: json)
        }
        findings = try reader.models("findings")
        microseconds = try reader.integer("microseconds")
        try reader.end()
    }
}

/// The outcome of one handler.
package struct HandlerReport: ModelCodable, Equatable {
    package enum Outcome: String, Sendable {
        case ran, failed
        /// A change has notified the handler, and it has not run yet.
        case pending
        /// A change that a check or preview found would notify the handler.
        case wouldRun = "would_run"
    }

    package var address: String
    package var outcome: Outcome
    package var reason: String
    package var fault: AgentFault?

    package init(address: String, outcome: Outcome, reason: String, fault: AgentFault? = nil) {
        self.address = address
        self.outcome = outcome
        self.reason = reason
        self.fault = fault
    }

    package var json: JSON {
        .compact([
            "address": .string(address), "outcome": .string(outcome.rawValue),
            "reason": .string(reason), "fault": fault?.json,
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "handler report")
        address = try reader.string("address")
        outcome = try reader.name("outcome")
        reason = try reader.string("reason")
        fault = try reader.optional("fault").map { (json) throws(JSONError) in
            try AgentFault(json: json)
        }
        try reader.end()
    }
}

/// The end of a run on one host: what it cost and what is left.
package struct RunEnd: ModelCodable, Equatable {
    /// CPU time of supervisor, worker and children, in microseconds.
    package var cpuMicroseconds: Int
    /// The CPUs the agent ran on, in kernel list syntax.
    package var cpus: String
    /// The largest resident set, in bytes.
    package var residentBytes: Int
    /// Wall time from request to end, in microseconds.
    package var wallMicroseconds: Int
    /// The addresses of resources that were applied earlier and are no longer declared.
    package var orphans: [String]
    /// Why the run ended before its last resource; nil if it did not.
    package var stopped: String?
    /// Other notices: an earlier run that did not finish, a log that was missing.
    package var notices: [String]

    package init(
        cpuMicroseconds: Int, cpus: String, residentBytes: Int, wallMicroseconds: Int,
        orphans: [String] = [], stopped: String? = nil, notices: [String] = []
    ) {
        self.cpuMicroseconds = cpuMicroseconds
        self.cpus = cpus
        self.residentBytes = residentBytes
        self.wallMicroseconds = wallMicroseconds
        self.orphans = orphans
        self.stopped = stopped
        self.notices = notices
    }

    package var json: JSON {
        .compact([
            "cpu_microseconds": .integer(cpuMicroseconds), "cpus": .string(cpus),
            "resident_bytes": .integer(residentBytes),
            "wall_microseconds": .integer(wallMicroseconds),
            "orphans": orphans.isEmpty ? nil : .strings(orphans), "stopped": .optional(stopped),
            "notices": notices.isEmpty ? nil : .strings(notices),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "run end")
        cpuMicroseconds = try reader.integer("cpu_microseconds")
        cpus = try reader.string("cpus")
        residentBytes = try reader.integer("resident_bytes")
        wallMicroseconds = try reader.integer("wall_microseconds")
        orphans = try reader.strings("orphans")
        stopped = try reader.optionalString("stopped")
        notices = try reader.strings("notices")
        try reader.end()
    }
}
