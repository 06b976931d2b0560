import FleetModel
import Wire

/// Everything that came of a run, on all its hosts: what is printed, stored and read by programs.
package struct RunView: ModelCodable, Equatable {
    package static let formatVersion = 1

    /// The run's id, and the saved plan's where the verb is `plan`.
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

    /// How many changes of each disruption class were or would be made.
    package var disruptions: [Disruption: Int] {
        let all = hosts.flatMap(\.resources).flatMap { resource in
            [ResourceReport.Outcome.wouldChange, .changed].contains(resource.outcome)
                ? [resource.disruption] : []
        }
        // What a handler does to a service is no resource's change, and costs as much.
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
    /// The run begins on so many hosts.
    case began(verb: String, hosts: Int)
    case hostStarted(String)
    case hostEnded(String, HostOutcome)
    /// A remark to be shown at once: no more hosts are started, a limit was lowered.
    case remark(String)
    case ended
}
