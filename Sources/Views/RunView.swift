import FleetModel
import Wire

/// The result of a run on all its hosts: this is printed, stored, and read by programs.
package struct RunView: ModelCodable, Equatable {
    package static let formatVersion = 1

    /// The id of the run; for the verb `plan` also the id of the saved plan.
    package var id: String
    package var verb: String
    package var hosts: [HostView]
    package var compileMicroseconds: Int
    package var runMicroseconds: Int
    /// Remarks on the run as a whole.
    package var notices: [String]

    package init(
        id: String, verb: String, hosts: [HostView], compileMicroseconds: Int = 0,
        runMicroseconds: Int = 0, notices: [String] = []
    ) {
        self.id = id
        self.verb = verb
        self.hosts = hosts
        self.compileMicroseconds = compileMicroseconds
        self.runMicroseconds = runMicroseconds
        self.notices = notices
    }

    /// How many hosts had each outcome.
    package var counts: [HostOutcome: Int] {
        Dictionary(hosts.map { ($0.outcome, 1) }, uniquingKeysWith: +)
    }

    /// The number of changes of each disruption that were made, or would be made.
    package var disruptions: [Disruption: Int] {
        let all = hosts.flatMap(\.resources).flatMap { resource in
            [ResourceReport.Outcome.wouldChange, .changed].contains(resource.outcome)
                ? [resource.disruption] : []
        }
        // A handler is not a change of a resource, but restarts a service just as well.
        let handlers = hosts.flatMap(\.handlers).filter {
            $0.outcome == .ran || $0.outcome == .wouldRun
        }
        return Dictionary(
            (all + handlers.map { _ in .serviceRestart }).map { ($0, 1) }, uniquingKeysWith: +)
    }

    package var json: JSON {
        .compact([
            "format_version": .integer(RunView.formatVersion), "id": .string(id),
            "verb": .string(verb), "hosts": .array(hosts.map(\.json)), "summary": summary,
            "compile_microseconds": .integer(compileMicroseconds),
            "run_microseconds": .integer(runMicroseconds),
            "notices": notices.isEmpty ? nil : .strings(notices),
        ])
    }

    /// The counts alone, by outcome and by disruption.
    package var summary: JSON {
        let outcomes = counts.map { ($0.key.rawValue, JSON.integer($0.value)) }
        let disruptions = disruptions.map { ($0.key.rawValue, JSON.integer($0.value)) }
        return [
            "hosts": .integer(hosts.count),
            "outcomes": .object(Dictionary(uniqueKeysWithValues: outcomes)),
            "disruptions": .object(Dictionary(uniqueKeysWithValues: disruptions)),
        ]
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "run view")
        let version = try reader.integer("format_version")
        guard version == RunView.formatVersion else {
            throw JSONError("run view has format version \(version), not \(RunView.formatVersion)")
        }
        id = try reader.string("id")
        verb = try reader.string("verb")
        hosts = try reader.models("hosts")
        compileMicroseconds = try reader.integer("compile_microseconds")
        runMicroseconds = try reader.integer("run_microseconds")
        notices = try reader.strings("notices")
        _ = reader.optional("summary")
        try reader.end()
    }
}

/// What happens during a run, for a progress line or a log.
package enum RunEvent: Sendable, Equatable {
    /// The run begins on this number of hosts.
    case began(verb: String, hosts: Int)
    case hostStarted(String)
    case hostEnded(String, HostOutcome)
    /// A remark to be shown at once: no more hosts are started, a limit was lowered.
    case remark(String)
    case ended
}
