import Wire

/// A finding about a resource that no apply can correct by itself.
package struct HostFinding: ModelCodable, Equatable {
    /// A stable name for machines and waivers: `stale-initramfs`.
    package var name: String
    package var severity: DriftSeverity
    /// What was found, and on what, in words.
    package var text: String

    /// A warning.
    package init(_ name: String, _ text: String) { self.init(name, .warning, text) }

    package init(_ name: String, _ severity: DriftSeverity, _ text: String) {
        self.name = name
        self.severity = severity
        self.text = text
    }

    package var json: JSON {
        [
            "finding": .string(name), "severity": .string(severity.rawValue), "text": .string(text),
        ]
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "finding")
        name = try reader.string("finding")
        severity = try reader.name("severity")
        text = try reader.string("text")
        try reader.end()
    }
}
