import FleetModel
import Wire

/// One record of an apply's journal; records are in the order of the events.
package enum JournalRecord: ModelCodable, Equatable {
    case begin(RunBegin)
    /// Durable before any part of the change is made.
    case intent(ChangeIntent)
    /// The change of the resource was made and verified.
    case done(address: String)
    /// The change of the resource failed; `isUntouched` if the host still has its state from
    /// before.
    case failed(address: String, fault: AgentFault, isUntouched: Bool)
    /// The handler ran; it is no longer pending.
    case handlerDone(address: String)
    /// The handler failed; it stays pending.
    case handlerFailed(address: String, fault: AgentFault)
    /// The run finished, or stopped at a safe boundary. It is settled if no handler is left
    /// pending: a reader then needs no other record.
    case end(stopped: String?, isSettled: Bool = false)

    package var json: JSON {
        switch self {
        case .begin(let begin): ["type": "begin", "begin": begin.json]
        case .intent(let intent): ["type": "intent", "intent": intent.json]
        case .done(let address): ["type": "done", "address": .string(address)]
        case .failed(let address, let fault, let isUntouched):
            [
                "type": "failed", "address": .string(address), "fault": fault.json,
                "untouched": .bool(isUntouched),
            ]
        case .handlerDone(let address): ["type": "handler_done", "address": .string(address)]
        case .handlerFailed(let address, let fault):
            ["type": "handler_failed", "address": .string(address), "fault": fault.json]
        case .end(let stopped, let isSettled):
            .compact([
                "type": "end", "stopped": .optional(stopped),
                "settled": isSettled ? .bool(true) : nil,
            ])
        }
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "journal record")
        let type = try reader.string("type")
        switch type {
        case "begin": self = .begin(try RunBegin(json: try reader.required("begin")))
        case "intent": self = .intent(try ChangeIntent(json: try reader.required("intent")))
        case "done": self = .done(address: try reader.string("address"))
        case "failed":
            self = .failed(
                address: try reader.string("address"),
                fault: try AgentFault(json: try reader.required("fault")),
                isUntouched: try reader.bool("untouched"))
        case "handler_done": self = .handlerDone(address: try reader.string("address"))
        case "handler_failed":
            self = .handlerFailed(
                address: try reader.string("address"),
                fault: try AgentFault(json: try reader.required("fault")))
        case "end":
            self = .end(
                stopped: try reader.optionalString("stopped"),
                isSettled: try reader.bool("settled"))
        default: throw JSONError("unknown journal record \"\(type)\"")
        }
        try reader.end()
    }
}

/// The first record of a journal: which run it is, and what it took over from the previous run.
package struct RunBegin: ModelCodable, Equatable {
    package static let formatVersion = 1

    /// The controller's name for the run.
    package var runID: String
    package var plan: Digest
    package var serial: Int
    package var requestedBy: String
    /// Seconds since the epoch.
    package var time: Int
    package var bootID: String
    /// Handlers that earlier runs left pending, with their full definition.
    package var pending: [PlannedHandler]
    /// The number of an earlier journal whose run did not finish.
    package var follows: Int?

    package init(
        runID: String, plan: Digest, serial: Int, requestedBy: String, time: Int, bootID: String,
        pending: [PlannedHandler] = [], follows: Int? = nil
    ) {
        self.runID = runID
        self.plan = plan
        self.serial = serial
        self.requestedBy = requestedBy
        self.time = time
        self.bootID = bootID
        self.pending = pending
        self.follows = follows
    }

    package var json: JSON {
        .compact([
            "format_version": .integer(RunBegin.formatVersion), "run": .string(runID),
            "plan": .string(plan.description), "serial": .integer(serial),
            "requested_by": .string(requestedBy), "time": .integer(time),
            "boot_id": .string(bootID), "pending": .array(pending.map(\.json)),
            "follows": follows.map { .integer($0) },
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "begin record")
        let version = try reader.integer("format_version")
        guard version == RunBegin.formatVersion else {
            throw JSONError(
                "the journal has format version \(version), not \(RunBegin.formatVersion)")
        }
        runID = try reader.string("run")
        plan = try reader.digest("plan")
        serial = try reader.integer("serial")
        requestedBy = try reader.string("requested_by")
        time = try reader.integer("time")
        bootID = try reader.string("boot_id")
        pending = try reader.models("pending")
        follows = try reader.optionalInteger("follows")
        try reader.end()
    }
}

/// A change about to be made: enough to finish it, to undo it, and to run the handlers it notifies.
package struct ChangeIntent: ModelCodable, Equatable {
    package var address: String
    package var kind: Kind
    package var name: String
    package var changes: [Change]
    /// The state before the change; contents are kept in ``StateDirectory/before`` by digest.
    package var before: [BeforeImage]
    /// Handlers that this change notifies and that were not pending before its run.
    package var handlers: [PlannedHandler]

    package init(
        address: String, kind: Kind, name: String, changes: [Change], before: [BeforeImage],
        handlers: [PlannedHandler] = []
    ) {
        self.address = address
        self.kind = kind
        self.name = name
        self.changes = changes
        self.before = before
        self.handlers = handlers
    }

    package var json: JSON {
        [
            "address": .string(address), "kind": .string(kind.rawValue), "name": .string(name),
            "changes": .array(changes.map(\.json)), "before": .array(before.map(\.json)),
            "handlers": .array(handlers.map(\.json)),
        ]
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "intent")
        address = try reader.string("address")
        kind = try reader.name("kind")
        name = try reader.string("name")
        changes = try reader.models("changes")
        before = try reader.models("before")
        handlers = try reader.models("handlers")
        try reader.end()
    }
}
