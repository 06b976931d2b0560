import Wire

/// What came of one resource, in a check or an apply.
package struct ResourceReport: ModelCodable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable {
        /// As declared; the reason says how that is known.
        case asDeclared = "as_declared"
        /// Differs; a check or a preview found it.
        case wouldChange = "would_change"
        /// Cannot be told before an earlier change is made.
        case dependsOnEarlier = "depends_on_earlier"
        /// Changed and verified.
        case changed
        /// Right on disk; a reboot or reload will make it so in the kernel.
        case pending
        /// There is no such thing on this machine.
        case notApplicable = "not_applicable"
        /// It could not be told what is.
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
    /// What should be known and no apply mends.
    package var findings: [HostFinding]
    /// Time spent on it, in microseconds; a batched observation is shared out evenly.
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

/// What came of one handler.
package struct HandlerReport: ModelCodable, Equatable {
    package enum Outcome: String, Sendable {
        case ran, failed
        /// A change wants it, and it has not run yet.
        case pending
        /// A change that a check or preview found would make it run.
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
    /// From request to end, in microseconds.
    package var wallMicroseconds: Int
    /// Resources applied before and declared by nothing any more: their addresses.
    package var orphans: [String]
    /// Whether the run ended before its last resource, and why.
    package var stopped: String?
    /// What else a reader should know: an earlier run that never ended, a log that was not there.
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
