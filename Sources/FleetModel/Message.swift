import Wire

/// The version of the conversation between controller and agent.
package enum WireProtocol {
    package static let version = 2
}

/// What an agent tells about itself before anything else.
package struct Hello: ModelCodable, Equatable {
    package var protocolVersion: Int
    /// The version of the agent.
    package var agentVersion: String
    /// As `uname -m` says it.
    package var architecture: String
    /// The host's own name.
    package var hostname: String
    package var bootID: String
    /// The user the agent runs as; any user but 0 can check little and apply nothing.
    package var uid: Int
    /// The largest serial that is accepted; a larger one would leave no number for the next apply.
    package static let largestSerial = 1 << 62
    /// The serial of the last apply on this host, 0 before the first; nil where the agent cannot
    /// read it.
    package var lastSerial: Int?

    package init(
        protocolVersion: Int = WireProtocol.version, agentVersion: String, architecture: String,
        hostname: String, bootID: String, uid: Int, lastSerial: Int? = nil
    ) {
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
        self.architecture = architecture
        self.hostname = hostname
        self.bootID = bootID
        self.uid = uid
        self.lastSerial = lastSerial
    }

    package var json: JSON {
        .compact([
            "protocol": .integer(protocolVersion), "version": .string(agentVersion),
            "architecture": .string(architecture), "hostname": .string(hostname),
            "boot_id": .string(bootID), "uid": .integer(uid),
            "last_serial": lastSerial.map { .integer($0) },
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "hello")
        protocolVersion = try reader.integer("protocol")
        agentVersion = try reader.string("version")
        architecture = try reader.string("architecture")
        hostname = try reader.string("hostname")
        bootID = try reader.string("boot_id")
        uid = try reader.integer("uid")
        lastSerial = try reader.optionalInteger("last_serial")
        if let lastSerial, !(0...Hello.largestSerial).contains(lastSerial) {
            throw JSONError("\"last_serial\" of hello is \(lastSerial)")
        }
        try reader.end()
    }
}

/// How to carry out a check or an apply.
package struct RunRequest: ModelCodable, Equatable {
    package enum Mode: String, Sendable {
        /// Only reads, in the sandbox, which cannot write.
        case check
        case apply
    }

    package var mode: Mode
    /// The digest of the plan's canonical bytes; the bytes travel as a blob.
    package var plan: Digest
    /// The controller's name for the run.
    package var runID: String
    /// Must be larger than the host's ``Hello/lastSerial``; otherwise the agent refuses an apply.
    ///
    /// If two controllers have read the same last serial from one host, only the first to apply
    /// succeeds, and a request that arrives a second time does nothing. 0 for a check.
    package var serial: Int
    /// Seconds after the agent's hello, by the host's monotonic clock, from which on the agent
    /// refuses to begin.
    ///
    /// The time of day of both machines is ignored: a host whose clock is wrong must be reachable
    /// for the apply that sets it.
    package var expiresAfterSeconds: Int
    /// Seconds the whole run may take on the host.
    package var deadlineSeconds: Int
    /// Whether the content of files is sent back for diffs.
    package var wantsContent: Bool
    /// A change that costs more is refused, and its resource fails.
    package var maxDisruption: Disruption
    /// Who asked: `user@controller`, for the host's log.
    package var requestedBy: String

    package init(
        mode: Mode, plan: Digest, runID: String, serial: Int = 0,
        expiresAfterSeconds: Int,
        deadlineSeconds: Int = 600, wantsContent: Bool = false,
        maxDisruption: Disruption = .serviceRestart, requestedBy: String
    ) {
        self.mode = mode
        self.plan = plan
        self.runID = runID
        self.serial = serial
        self.expiresAfterSeconds = expiresAfterSeconds
        self.deadlineSeconds = deadlineSeconds
        self.wantsContent = wantsContent
        self.maxDisruption = maxDisruption
        self.requestedBy = requestedBy
    }

    package var json: JSON {
        [
            "mode": .string(mode.rawValue), "plan": .string(plan.description),
            "run": .string(runID), "serial": .integer(serial),
            "expires_after_seconds": .integer(expiresAfterSeconds),
            "deadline_seconds": .integer(deadlineSeconds), "wants_content": .bool(wantsContent),
            "max_disruption": .string(maxDisruption.rawValue),
            "requested_by": .string(requestedBy),
        ]
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "run request")
        mode = try reader.name("mode")
        plan = try reader.digest("plan")
        runID = try reader.string("run")
        serial = try reader.integer("serial")
        expiresAfterSeconds = try reader.integer("expires_after_seconds")
        deadlineSeconds = try reader.integer("deadline_seconds")
        wantsContent = try reader.bool("wants_content")
        maxDisruption = try reader.name("max_disruption")
        requestedBy = try reader.string("requested_by")
        try reader.end()
    }
}

/// What the controller asks of an agent.
///
/// Fixed verbs; none takes a command line.
package enum Request: ModelCodable, Equatable {
    /// Reads facts: hardware and topology where asked, and these sections of the live state.
    case facts(hardware: Bool, sections: [String])
    case run(RunRequest)
    /// Reads what the journal records of a run.
    case journal(runID: String)
    /// Reboots the host; answered before the host goes down.
    case reboot(runID: String, requestedBy: String)
    /// Waits until the host has finished its boot, at most this many seconds.
    case waitUntilBooted(seconds: Int)
    /// The controller does not have a blob that was asked for.
    case noBlob(Digest)
    /// Stops the run at the next safe boundary.
    case stop
    /// The controller has no more requests; the agent exits.
    case end

    package var json: JSON {
        switch self {
        case .facts(let hardware, let sections):
            [
                "type": "facts", "hardware": .bool(hardware), "sections": .strings(sections),
            ]
        case .run(let request): ["type": "run", "request": request.json]
        case .journal(let runID): ["type": "journal", "run": .string(runID)]
        case .reboot(let runID, let requestedBy):
            [
                "type": "reboot", "run": .string(runID), "requested_by": .string(requestedBy),
            ]
        case .waitUntilBooted(let seconds):
            ["type": "wait_until_booted", "seconds": .integer(seconds)]
        case .noBlob(let digest): ["type": "no_blob", "digest": .string(digest.description)]
        case .stop: ["type": "stop"]
        case .end: ["type": "end"]
        }
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "request")
        let type = try reader.string("type")
        switch type {
        case "facts":
            self = .facts(
                hardware: try reader.bool("hardware"), sections: try reader.strings("sections"))
        case "run": self = .run(try RunRequest(json: try reader.required("request")))
        case "journal": self = .journal(runID: try reader.string("run"))
        case "reboot":
            self = .reboot(
                runID: try reader.string("run"), requestedBy: try reader.string("requested_by"))
        case "wait_until_booted":
            self = .waitUntilBooted(seconds: try reader.integer("seconds"))
        case "no_blob": self = .noBlob(try reader.digest("digest"))
        case "stop": self = .stop
        case "end": self = .end
        default: throw JSONError("unknown request \"\(type)\"")
        }
        try reader.end()
    }
}

/// What an agent answers.
package enum Reply: ModelCodable, Equatable {
    case hello(Hello)
    /// The facts asked for, in the shape of the facts schema.
    case facts(JSON)
    /// The agent needs these blobs before it can continue.
    case need([Digest])
    case resource(ResourceReport)
    case handler(HandlerReport)
    /// The run is over; every resource and handler was reported before.
    case runEnded(RunEnd)
    case journal(JournalAnswer)
    /// The host is going down for the reboot.
    case rebooting
    /// The state of the system according to systemd: `running`, `degraded`, or `starting` if the
    /// time ran out.
    case booted(state: String)
    /// The request as a whole failed or was refused; no other reply to it follows.
    case fault(AgentFault)

    package var json: JSON {
        switch self {
        case .hello(let hello): ["type": "hello", "hello": hello.json]
        case .facts(let facts): ["type": "facts", "facts": facts]
        case .need(let digests): ["type": "need", "digests": .strings(digests.map(\.description))]
        case .resource(let report): ["type": "resource", "report": report.json]
        case .handler(let report): ["type": "handler", "report": report.json]
        case .runEnded(let end): ["type": "run_ended", "end": end.json]
        case .journal(let answer): ["type": "journal", "answer": answer.json]
        case .rebooting: ["type": "rebooting"]
        case .booted(let state): ["type": "booted", "state": .string(state)]
        case .fault(let fault): ["type": "fault", "fault": fault.json]
        }
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "reply")
        let type = try reader.string("type")
        switch type {
        case "hello": self = .hello(try Hello(json: try reader.required("hello")))
        case "facts": self = .facts(try reader.required("facts"))
        case "need":
            var digests: [Digest] = []
            for text in try reader.strings("digests") {
                guard let digest = Digest(text) else { throw JSONError("bad digest in need") }
                digests.append(digest)
            }
            self = .need(digests)
        case "resource":
            self = .resource(try ResourceReport(json: try reader.required("report")))
        case "handler": self = .handler(try HandlerReport(json: try reader.required("report")))
        case "run_ended": self = .runEnded(try RunEnd(json: try reader.required("end")))
        case "journal":
            self = .journal(try JournalAnswer(json: try reader.required("answer")))
        case "rebooting": self = .rebooting
        case "booted": self = .booted(state: try reader.string("state"))
        case "fault": self = .fault(try AgentFault(json: try reader.required("fault")))
        default: throw JSONError("unknown reply \"\(type)\"")
        }
        try reader.end()
    }
}
