import Wire

/// One fault, warning or note about an input: what, where, why, and what to do.
package struct Diagnostic: Error, Sendable, Equatable {
    package enum Severity: String, Sendable {
        case error, warning, note
    }

    /// Another place that is part of the fault: the first definition, the other claim.
    package struct Related: Sendable, Equatable {
        package let place: Place
        package let text: String

        package init(_ place: Place, _ text: String) {
            self.place = place
            self.text = text
        }
    }

    package var severity: Severity
    /// A stable name for machines: `unknown-key`, `undefined-name`.
    package var code: String
    /// One line without a full stop: what is wrong, on what.
    package var summary: String
    package var place: Place?
    /// Why it is wrong, if the summary does not say it.
    package var cause: String?
    /// What to do.
    package var hint: String?
    package var related: [Related]
    /// The exit code of muster if this is the worst diagnostic.
    package var exitCode: ExitCode

    package init(
        _ severity: Severity, _ code: String, _ summary: String, at place: Place? = nil,
        cause: String? = nil, hint: String? = nil, related: [Related] = [],
        exitCode: ExitCode = .badInput
    ) {
        self.severity = severity
        self.code = code
        self.summary = summary
        self.place = place
        self.cause = cause
        self.hint = hint
        self.related = related
        self.exitCode = exitCode
    }

    /// An error.
    package init(
        _ code: String, _ summary: String, at place: Place? = nil, cause: String? = nil,
        hint: String? = nil, related: [Related] = [], exitCode: ExitCode = .badInput
    ) {
        self.init(
            .error, code, summary, at: place, cause: cause, hint: hint, related: related,
            exitCode: exitCode)
    }

    /// The text form: place and summary, source line with a caret, cause, related places, hint.
    package var text: String {
        var lines: [String] = []
        let head = place.map { "\($0): " } ?? ""
        lines.append("\(head)\(severity.rawValue): \(summary)")
        if let place { lines += Self.excerpt(of: place) }
        if let cause { lines.append("  cause: \(cause)") }
        for other in related {
            lines.append("  \(other.place): \(other.text)")
            lines += Self.excerpt(of: other.place)
        }
        if let hint { lines.append("  hint: \(hint)") }
        return lines.joined(separator: "\n")
    }

    /// The JSON form, for machine-readable output.
    package var json: JSON {
        .compact([
            "severity": .string(severity.rawValue),
            "code": .string(code),
            "summary": .string(summary),
            "place": place.map(Self.json(of:)),
            "cause": .optional(cause),
            "hint": .optional(hint),
            "related": related.isEmpty
                ? nil
                : .array(
                    related.map {
                        .object(["place": Self.json(of: $0.place), "text": .string($0.text)])
                    }),
        ])
    }

    private static func json(of place: Place) -> JSON {
        .compact([
            "file": .string(place.source.name), "line": .integer(place.line),
            "column": .integer(place.column),
            "text": .optional(place.source.line(place.line).map { String($0.prefix(200)) }),
        ])
    }

    /// The source line and a caret under the fault; a long line is cut around the caret.
    private static func excerpt(of place: Place) -> [String] {
        guard let line = place.source.line(place.line) else { return [] }
        let width = 96
        // Control characters could affect the terminal, so each is replaced by U+FFFD.
        let scalars = line.unicodeScalars.map { scalar -> Unicode.Scalar in
            let isControl = scalar.properties.generalCategory == .control
            return isControl && scalar != "\t" ? "\u{FFFD}" : scalar
        }
        let index = min(place.column - 1, scalars.count)
        let start = index > width - 16 ? index - width / 2 : 0
        let end = min(scalars.count, start + width)
        let number = String(place.line)
        let margin = String(repeating: " ", count: number.count)
        let indent = scalars[start..<index].map { $0 == "\t" ? "\t" : " " }.joined()
        let caret = String(repeating: "^", count: max(1, min(place.length, end - index)))
        var shown = String.UnicodeScalarView()
        shown.append(contentsOf: scalars[start..<end])
        return [
            "  \(number) | \(start > 0 ? "…" : "")\(String(shown))\(end < scalars.count ? "…" : "")",
            "  \(margin) | \(start > 0 ? " " : "")\(indent)\(caret)",
        ]
    }
}

/// All faults of a step, thrown together: a run reports all faults, not only the first.
package struct Faults: Error, Sendable, Equatable {
    package var all: [Diagnostic]

    package init(_ all: [Diagnostic]) { self.all = all }
    package init(_ one: Diagnostic) { all = [one] }
}

/// Collects diagnostics while the work continues.
package struct DiagnosticBag: Sendable {
    package private(set) var all: [Diagnostic] = []

    package init() {}

    package mutating func add(_ diagnostic: Diagnostic) { all.append(diagnostic) }
    package mutating func add(_ faults: Faults) { all += faults.all }
    package mutating func add(contentsOf other: [Diagnostic]) { all += other }

    package var errors: [Diagnostic] { all.filter { $0.severity == .error } }
    package var hasErrors: Bool { all.contains { $0.severity == .error } }

    /// Throws all collected diagnostics if one of them is an error.
    package func throwIfErrors() throws(Faults) {
        if hasErrors { throw Faults(all) }
    }
}
