import FleetModel
import Wire

/// The outcome of a run on one host as a whole.
package enum HostOutcome: String, Sendable, CaseIterable {
    case asDeclared = "as_declared"
    /// Differences were found and nothing was changed.
    case differs
    case changed
    /// Something on the host failed.
    case failed
    /// The plan of the host could not be compiled.
    case notCompiled = "not_compiled"
    case unreachable
    /// The host or a rule refused the run: a lock, a stale plan.
    case refused
    /// The run ended before its turn came.
    case notStarted = "not_started"
    /// The run was stopped at a safe boundary of this host.
    case stopped
    /// A change may have begun, and its result was not received.
    case unknown
}

/// One resource as people see it: its declaration joined with its result.
package struct ResourceView: ModelCodable, Equatable {
    package var address: String
    package var kind: Kind
    package var name: String
    package var severity: DriftSeverity
    package var origin: String
    package var outcome: ResourceReport.Outcome
    package var reason: String
    package var changes: [Change]
    package var fault: AgentFault?
    /// Problems that an apply does not correct.
    package var findings: [HostFinding]

    /// `origin`: where the resource is declared.
    package init(
        _ resource: PlannedResource, _ report: ResourceReport, origin: String = ""
    ) {
        address = resource.address
        kind = resource.kind
        name = resource.name
        severity = resource.severity
        self.origin = origin
        outcome = report.outcome
        reason = report.reason
        changes = report.changes
        fault = report.fault
        findings = report.findings
    }

    /// Whether the resource is pending until a reboot.
    package var waitsForReboot: Bool {
        outcome == .pending
            && changes.contains { $0.isMadeByReboot && $0.disruption == .reboot }
    }

    /// The largest disruption of its changes.
    package var disruption: Disruption { changes.map(\.disruption).max() ?? .none }

    package var json: JSON {
        .compact([
            "address": .string(address), "kind": .string(kind.rawValue), "name": .string(name),
            "severity": .string(severity.rawValue), "origin": .string(origin),
            "outcome": .string(outcome.rawValue), "reason": .string(reason),
            "changes": changes.isEmpty ? nil : .array(changes.map(\.json)), "fault": fault?.json,
            "findings": findings.isEmpty ? nil : .array(findings.map(\.json)),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "resource view")
        address = try reader.string("address")
        kind = try reader.name("kind")
        name = try reader.string("name")
        severity = try reader.name("severity")
        origin = try reader.string("origin")
        outcome = try reader.name("outcome")
        reason = try reader.string("reason")
        changes = try reader.models("changes")
        fault = try reader.optional("fault").map { (json) throws(JSONError) in
            try AgentFault(json: json)
        }
        findings = try reader.models("findings")
        try reader.end()
    }
}

/// Everything that a run found and did on one host.
package struct HostView: ModelCodable, Equatable {
    package var host: String
    package var outcome: HostOutcome
    package var plan: Digest?
    package var resources: [ResourceView]
    package var handlers: [HandlerReport]
    package var end: RunEnd?
    /// Why the run failed on the host as a whole.
    package var fault: AgentFault?
    /// Remarks: a fallback was used, an agent was sent.
    package var notices: [String]
    /// How long the steps took, in microseconds: `connect`, `agent`, `read`.
    package var timings: [String: Int]
    /// The boot ID before a reboot, while the return of the host is awaited; not in the JSON form.
    package var bootLeft: String?

    package init(
        host: String, outcome: HostOutcome, plan: Digest? = nil, resources: [ResourceView] = [],
        handlers: [HandlerReport] = [], end: RunEnd? = nil, fault: AgentFault? = nil,
        notices: [String] = [], timings: [String: Int] = [:]
    ) {
        self.host = host
        self.outcome = outcome
        self.plan = plan
        self.resources = resources
        self.handlers = handlers
        self.end = end
        self.fault = fault
        self.notices = notices
        self.timings = timings
    }

    /// The outcome that follows from what its resources and handlers report.
    package static func outcome(
        of resources: [ResourceView], handlers: [HandlerReport], stopped: Bool
    ) -> HostOutcome {
        let outcomes = Set(resources.map(\.outcome))
        if outcomes.contains(.failed) || handlers.contains(where: { $0.outcome == .failed }) {
            return .failed
        }
        if stopped { return .stopped }
        if outcomes.contains(.changed) || handlers.contains(where: { $0.outcome == .ran }) {
            return .changed
        }
        let differing: Set<ResourceReport.Outcome> = [
            .wouldChange, .dependsOnEarlier, .unknown, .pending,
        ]
        if !outcomes.isDisjoint(with: differing)
            || resources.contains(where: { !$0.findings.isEmpty })
            || handlers.contains(where: { $0.outcome == .pending })
        {
            return .differs
        }
        return .asDeclared
    }

    package var json: JSON {
        .compact([
            "host": .string(host), "outcome": .string(outcome.rawValue),
            "plan": .optional(plan?.description),
            "resources": resources.isEmpty ? nil : .array(resources.map(\.json)),
            "handlers": handlers.isEmpty ? nil : .array(handlers.map(\.json)),
            "end": end?.json, "fault": fault?.json,
            "notices": notices.isEmpty ? nil : .strings(notices),
            "timings": timings.isEmpty ? nil : .object(timings.mapValues { .integer($0) }),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "host view")
        host = try reader.string("host")
        outcome = try reader.name("outcome")
        plan = try reader.optionalString("plan").flatMap { Digest($0) }
        resources = try reader.models("resources")
        handlers = try reader.models("handlers")
        end = try reader.optional("end").map { (json) throws(JSONError) in try RunEnd(json: json) }
        fault = try reader.optional("fault").map { (json) throws(JSONError) in
            try AgentFault(json: json)
        }
        notices = try reader.strings("notices")
        timings = try reader.object("timings").compactMapValues(\.integer)
        try reader.end()
    }
}
