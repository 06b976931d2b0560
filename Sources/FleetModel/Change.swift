import Wire

/// One difference between what was found and what is declared, in one attribute and one layer.
package struct Change: ModelCodable, Equatable {
    /// The attribute as the schema names it: `value`, `mode`, `content`.
    package var attribute: String
    package var layer: Layer
    /// The value found; nil if there was no value.
    ///
    /// A secret is shown as `{"secret": DIGEST}`.
    package var before: JSON?
    /// The value declared; nil where it is to be removed.
    package var after: JSON?
    /// What making the change costs.
    package var disruption: Disruption
    /// Where the value found comes from: `/etc/sysctl.d/99-vendor.conf:3`.
    package var source: String?
    /// The content found, for a diff: only on request, limited in size, never of a secret.
    package var beforeText: String?
    /// The content declared, added by the controller for a diff.
    package var afterText: String?

    package init(
        _ attribute: String, layer: Layer = .persisted, before: JSON?, after: JSON?,
        disruption: Disruption = .none, source: String? = nil, beforeText: String? = nil,
        afterText: String? = nil
    ) {
        self.attribute = attribute
        self.layer = layer
        self.before = before
        self.after = after
        self.disruption = disruption
        self.source = source
        self.beforeText = beforeText
        self.afterText = afterText
    }

    /// Whether only a reboot makes the change and no apply does: what the kernel was started with.
    package var isMadeByReboot: Bool { layer == .running && disruption >= .reboot }

    package var json: JSON {
        .compact([
            "attribute": .string(attribute), "layer": .string(layer.rawValue), "before": before,
            "after": after, "disruption": .string(disruption.rawValue),
            "source": .optional(source), "before_text": .optional(beforeText),
            "after_text": .optional(afterText),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "change")
        attribute = try reader.string("attribute")
        layer = try reader.name("layer")
        before = reader.optional("before")
        after = reader.optional("after")
        disruption = try reader.name("disruption")
        source = try reader.optionalString("source")
        beforeText = try reader.optionalString("before_text")
        afterText = try reader.optionalString("after_text")
        try reader.end()
    }
}

/// What went wrong on a host: what was attempted, why it failed, what to do.
package struct AgentFault: Error, ModelCodable, Equatable {
    /// A stable name for machines: `no-space`, `locked`, `verify-failed`.
    package var code: String
    /// What was attempted, on what: `write /etc/motd`.
    package var attempted: String
    package var cause: String
    package var hint: String?

    package init(_ code: String, _ attempted: String, cause: String, hint: String? = nil) {
        self.code = code
        self.attempted = attempted
        self.cause = cause
        self.hint = hint
    }

    /// `cannot write /etc/motd: No space left on device`.
    package var text: String { "cannot \(attempted): \(cause)" }

    package var json: JSON {
        .compact([
            "code": .string(code), "attempted": .string(attempted), "cause": .string(cause),
            "hint": .optional(hint),
        ])
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "fault")
        code = try reader.string("code")
        attempted = try reader.string("attempted")
        cause = try reader.string("cause")
        hint = try reader.optionalString("hint")
        try reader.end()
    }
}
