import FleetModel
import Views
import Wire

/// Changes, faults and resources as lines of text.
struct ChangeText {
    let style: Style
    let showsContent: Bool

    /// The lines of one resource: sign, kind, name and changes; below them faults and diffs.
    func lines(of resource: ResourceView, indent: String) -> [String] {
        let name = "\(resource.kind.rawValue) \(resource.name)"
        var lines: [String] = []
        switch resource.outcome {
        case .wouldChange, .changed:
            let sign = sign(of: resource.changes)
            let shown = resource.changes.filter { !saysOnlyPresence($0) }
            let isNew = shown.count < resource.changes.count
            let changes = texts(of: shown, isNew: isNew).joined(separator: "   ")
            let cost = resource.disruption == .none ? "" : resource.disruption.rawValue
            let cells = [style("\(sign) \(name)", .change), changes, cost].filter { !$0.isEmpty }
            lines.append(indent + cells.joined(separator: "   "))
            if showsContent { lines += resource.changes.flatMap { diff(of: $0, indent: indent) } }
        case .dependsOnEarlier:
            lines.append(
                indent + style("? \(name)", .change)
                    + "   depends on an earlier change: \(resource.reason)")
        case .pending:
            lines.append(indent + style("> \(name)", .change) + "   pending: \(resource.reason)")
        case .unknown:
            lines.append(
                indent + style("? \(name)", .bad) + "   not known: \(resource.reason)")
        case .failed:
            lines.append(indent + style("! \(name)", .bad) + "   failed: \(resource.reason)")
            lines += hint(of: resource.fault, indent: indent)
            lines.append("\(indent)    declared at \(resource.origin)")
        case .skipped:
            lines.append(indent + style("! \(name)", .bad) + "   skipped: \(resource.reason)")
        case .notApplicable:
            lines.append(
                indent + style("- \(name)", .quiet) + "   not applicable: \(resource.reason)")
        case .asDeclared:
            lines.append(indent + style("= \(name)", .quiet) + "   no change: \(resource.reason)")
        }
        lines += resource.findings.map {
            "\(indent)    \(style("finding:", .bad)) \($0.text)   [\($0.name), \($0.severity.rawValue)]"
        }
        return lines
    }

    /// The line of one handler.
    func line(of handler: HandlerReport, indent: String) -> [String] {
        switch handler.outcome {
        case .ran:
            return [
                "\(indent)\(style("* handler \(handler.address)", .change))   \(handler.reason)"
            ]
        case .wouldRun:
            return [
                "\(indent)\(style("* handler \(handler.address)", .change))   would \(handler.reason)"
            ]
        case .pending:
            return [
                "\(indent)\(style("> handler \(handler.address)", .change))   pending: \(handler.reason)"
            ]
        case .failed:
            return [
                "\(indent)\(style("! handler \(handler.address)", .bad))   failed: \(handler.reason)"
            ]
                + hint(of: handler.fault, indent: indent)
        }
    }

    private func hint(of fault: AgentFault?, indent: String) -> [String] {
        guard let hint = fault?.hint else { return [] }
        return ["\(indent)    hint: \(hint)"]
    }

    private func sign(of changes: [Change]) -> String {
        if changes.contains(where: { $0.attribute == "state" && $0.before == "absent" }) {
            return "+"
        }
        if changes.contains(where: { $0.attribute == "state" && $0.after == "absent" }) {
            return "-"
        }
        let versions = changes.filter { $0.attribute == "version" }
        if versions.contains(where: { $0.before == nil && $0.after != nil }) { return "+" }
        if versions.contains(where: { $0.before != nil && $0.after == nil }) { return "-" }
        return "~"
    }

    /// Whether a change repeats only what the `+` before the resource says.
    private func saysOnlyPresence(_ change: Change) -> Bool {
        change.attribute == "state" && change.before == "absent" && change.after == "present"
    }

    /// One text for each change, or one for two layers of an attribute that change in the same way.
    private func texts(of changes: [Change], isNew: Bool) -> [String] {
        var texts: [String] = []
        var done: Set<Int> = []
        for (index, change) in changes.enumerated() where !done.contains(index) {
            let twin = changes.indices.first {
                $0 > index && changes[$0].attribute == change.attribute
                    && changes[$0].layer != change.layer && changes[$0].before == change.before
                    && changes[$0].after == change.after
            }
            guard change.attribute != "value", let twin else {
                texts.append(text(of: change, isNew: isNew, among: changes))
                continue
            }
            done.insert(twin)
            let source = (change.source ?? changes[twin].source).map { "   (set by \($0))" } ?? ""
            texts.append(
                "\(change.attribute) \(text(of: change.before)) → \(text(of: change.after))\(source)"
            )
        }
        return texts
    }

    /// `running 60 → 10   (set by /etc/sysctl.d/99-vendor.conf:3)`.
    private func text(of change: Change, isNew: Bool, among all: [Change]) -> String {
        let isOneOfTwo = all.contains {
            $0.attribute == change.attribute && $0.layer != change.layer
        }
        let label =
            change.attribute == "value"
            ? layer(of: change)
            : isOneOfTwo ? "\(change.attribute) (\(layer(of: change)))" : attribute(of: change)
        let source = change.source.map { "   (set by \($0))" } ?? ""
        if isNew, change.before == nil { return "\(label) \(text(of: change.after))" }
        return "\(label) \(text(of: change.before)) → \(text(of: change.after))\(source)"
    }

    private func attribute(of change: Change) -> String {
        change.layer == .persisted ? change.attribute : "\(change.attribute) (\(layer(of: change)))"
    }

    private func layer(of change: Change) -> String {
        switch change.layer {
        case .running: "running"
        case .persisted: "persisted"
        case .onDisk: "on disk"
        }
    }

    /// A value in one line; a digest is shortened, and of a secret only its digest is shown.
    private func text(of value: JSON?) -> String {
        switch value {
        case nil, .null: return "none"
        case .string(let text):
            if let digest = Digest(text) { return "sha256:\(digest.short)" }
            let flat = text.split(whereSeparator: \.isNewline).joined(separator: "⏎")
            return flat.isEmpty ? "\"\"" : flat.count > 80 ? flat.prefix(79) + "…" : flat
        case .object(let members):
            if let digest = members["secret"]?.string { return "(secret \(digest.prefix(8)))" }
            if members.count == 1, let size = members["size"]?.integer {
                return Quantity.bytes(size)
            }
            if let digest = members["sha256"]?.string, let size = members["size"]?.integer {
                return "\(Quantity.bytes(size)) sha256:\(digest.prefix(8))"
            }
            return JSON.object(members).canonicalText
        case .array(let elements):
            return elements.isEmpty ? "(none)" : elements.map(text(of:)).joined(separator: ",")
        case .some(let other): return other.canonicalText
        }
    }

    private func diff(of change: Change, indent: String) -> [String] {
        guard change.beforeText != nil || change.afterText != nil else { return [] }
        return ContentDiff.lines(from: change.beforeText ?? "", to: change.afterText ?? "").map {
            let tone: Style.Tone = $0.hasPrefix("+") ? .good : $0.hasPrefix("-") ? .bad : .quiet
            return "\(indent)    \(style($0, tone))"
        }
    }
}
