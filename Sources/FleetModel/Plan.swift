import Wire

/// One host's compiled resources in order: explicit and complete; the same inputs give the same
/// bytes.
///
/// A plan holds no time, no serial and no secret; those are in the envelope and in blobs. It does
/// not hold where its resources are declared, since that does not affect the host
/// (``CompiledPlan``).
package struct Plan: ModelCodable, Equatable {
    package static let formatVersion = 2

    /// The host's name in the inventory.
    package var host: String
    /// The digest of the hardware facts that the plan used; nil if it used none.
    package var factsDigest: Digest?
    /// Whether it holds only some of what is declared (`--tags`); then nothing counts as orphaned.
    package var isPartial: Bool
    /// In the order they are applied.
    package var resources: [PlannedResource]
    /// In the order they run.
    package var handlers: [PlannedHandler]

    package init(
        host: String, factsDigest: Digest? = nil, isPartial: Bool = false,
        resources: [PlannedResource] = [], handlers: [PlannedHandler] = []
    ) {
        self.host = host
        self.factsDigest = factsDigest
        self.isPartial = isPartial
        self.resources = resources
        self.handlers = handlers
    }

    package var json: JSON {
        .compact([
            "format_version": .integer(Plan.formatVersion),
            "host": .string(host),
            "facts": .optional(factsDigest?.description),
            "partial": isPartial ? true : nil,
            "resources": .array(resources.map(\.json)),
            "handlers": .array(handlers.map(\.json)),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "plan")
        let version = try reader.integer("format_version")
        guard version == Plan.formatVersion else {
            throw JSONError("plan has format version \(version), not \(Plan.formatVersion)")
        }
        host = try reader.string("host")
        if let text = try reader.optionalString("facts") {
            guard let digest = Digest(text) else {
                throw JSONError("\"facts\" of plan is not a digest")
            }
            factsDigest = digest
        } else {
            factsDigest = nil
        }
        isPartial = try reader.bool("partial")
        resources = try reader.models("resources")
        handlers = try reader.models("handlers")
        try reader.end()
    }
}

/// One declared thing, with every value computed.
package struct PlannedResource: ModelCodable, Equatable {
    /// Its unique name in the plan: `low_latency/sysctl:vm.swappiness`.
    package var address: String
    package var kind: Kind
    /// What it is called on the host: a path, a key, a package.
    package var name: String
    /// The attributes in the normal form of the kind's schema, defaults filled in.
    ///
    /// A secret value is `{"secret": DIGEST}`; the value itself travels as a blob.
    package var attributes: [String: JSON]
    /// The addresses of resources that must come first, declared or implied.
    package var requires: [String]
    /// The addresses of handlers to run when this changed.
    package var notify: [String]
    package var severity: DriftSeverity
    package var tags: [String]

    package init(
        address: String, kind: Kind, name: String, attributes: [String: JSON] = [:],
        requires: [String] = [], notify: [String] = [], severity: DriftSeverity = .warning,
        tags: [String] = []
    ) {
        self.address = address
        self.kind = kind
        self.name = name
        self.attributes = attributes
        self.requires = requires
        self.notify = notify
        self.severity = severity
        self.tags = tags
    }

    package var json: JSON {
        .compact([
            "address": .string(address),
            "kind": .string(kind.rawValue),
            "name": .string(name),
            "attributes": .object(attributes),
            "requires": requires.isEmpty ? nil : .strings(requires),
            "notify": notify.isEmpty ? nil : .strings(notify),
            "severity": .string(severity.rawValue),
            "tags": tags.isEmpty ? nil : .strings(tags),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "resource")
        address = try reader.string("address")
        kind = try reader.name("kind")
        name = try reader.string("name")
        attributes = try reader.object("attributes")
        requires = try reader.strings("requires")
        notify = try reader.strings("notify")
        severity = try reader.name("severity")
        tags = try reader.strings("tags")
        // Records of hosts that an earlier version wrote have this member.
        _ = reader.optional("origin")
        try reader.end()
    }
}

/// An action that runs once, after the resources, if a resource that notifies it changed.
package struct PlannedHandler: ModelCodable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        case restart, reload
        case reloadOrRestart = "reload_or_restart"
        case start, stop
        /// Runs a program; only for a `command` handler.
        case run
    }

    /// `role/id`.
    package var address: String
    /// `service` or `command`.
    package var kind: Kind
    /// The unit, or the command's name.
    package var name: String
    package var action: Action
    /// The program and its arguments, for a command.
    package var arguments: [String]

    package init(
        address: String, kind: Kind, name: String, action: Action, arguments: [String] = []
    ) {
        self.address = address
        self.kind = kind
        self.name = name
        self.action = action
        self.arguments = arguments
    }

    package var json: JSON {
        .compact([
            "address": .string(address),
            "kind": .string(kind.rawValue),
            "name": .string(name),
            "action": .string(action.rawValue),
            "arguments": arguments.isEmpty ? nil : .strings(arguments),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "handler")
        address = try reader.string("address")
        kind = try reader.name("kind")
        name = try reader.string("name")
        action = try reader.name("action")
        arguments = try reader.strings("arguments")
        _ = reader.optional("origin")
        try reader.end()
    }
}
