import Diagnostics
import Templates
import Values
import Wire
import YAML

/// A value as it was written in YAML, its templates parsed once and computed for every host.
package struct ValueSource: Sendable {
    package indirect enum Content: Sendable {
        /// Text and reading that stand for themselves.
        case scalar(Scalar)
        /// A template and the text it was parsed from.
        case template(Template, text: String)
        case list([ValueSource])
        case map([(key: String, value: ValueSource)])
    }

    package let content: Content
    package let place: Place
    /// The names its templates read, in order.
    package let uses: [NameUse]
    /// Whether there is nothing to compute.
    package let isLiteral: Bool

    /// Parses the templates in a node.
    ///
    /// Vault values are refused: muster has no vault.
    package init(_ node: Node) throws(Faults) {
        place = node.place
        if node.isVault {
            throw Faults(
                Diagnostic(
                    "vault", "a value is encrypted with Ansible Vault", at: node.place,
                    hint: "muster does not open vaults: keep the value in clear in a private file"))
        }
        var faults = DiagnosticBag()
        func source(_ node: Node) -> ValueSource? {
            do {
                return try ValueSource(node)
            } catch {
                faults.add(error)
                return nil
            }
        }
        switch node.content {
        case .scalar(let scalar):
            let template: Template? =
                node.isUnsafe ? nil : try Template.scalar(scalar.text, at: node.place)
            if let template, !template.isLiteral {
                content = .template(template, text: scalar.text)
                uses = template.uses
                isLiteral = false
            } else {
                content = .scalar(scalar)
                uses = []
                isLiteral = true
            }
        case .list(let nodes):
            let elements = nodes.compactMap(source)
            content = .list(elements)
            uses = elements.flatMap(\.uses)
            isLiteral = elements.allSatisfy(\.isLiteral)
        case .map(let entries):
            var members: [(key: String, value: ValueSource)] = []
            for entry in entries {
                if let value = source(entry.value) { members.append((entry.key.keyText, value)) }
            }
            content = .map(members)
            uses = members.flatMap(\.value.uses)
            isLiteral = members.allSatisfy(\.value.isLiteral)
        }
        try faults.throwIfErrors()
    }

    /// Whether it is written as null: `~`, `null` or nothing.
    package var isNull: Bool {
        if case .scalar(let scalar) = content {
            scalar.isPlain && scalar.reading == .null
        } else {
            false
        }
    }

    /// The text of a scalar without templates.
    package var literalText: String? {
        if case .scalar(let scalar) = content, !isNull { scalar.text } else { nil }
    }

    /// As it was written: the text of a scalar, the JSON of anything else.
    var text: String {
        switch content {
        case .scalar(let scalar): scalar.text
        case .template(_, let text): text
        case .list, .map: written.canonicalText
        }
    }

    private var written: JSON {
        switch content {
        case .scalar(let scalar): scalar.reading.json
        case .template(_, let text): .string(text)
        case .list(let elements): .array(elements.map(\.written))
        case .map(let members):
            .object(Dictionary(members.map { ($0.key, $0.value.written) }) { _, last in last })
        }
    }

    /// The value with the YAML 1.1 reading of its scalars, as Ansible gives it to variables.
    func evaluate(_ context: TemplateContext) throws(Faults) -> Value {
        switch content {
        case .scalar(let scalar): return scalar.reading
        case .template(let template, _): return try template.evaluate(context)
        case .list(let sources):
            var elements: [Value] = []
            for source in sources { elements.append(try source.evaluate(context)) }
            return .list(elements)
        case .map(let members):
            var map = ValueMap()
            for (key, source) in members { map[key] = try source.evaluate(context) }
            return .map(map)
        }
    }

    /// Whether two were written alike, wherever they stand.
    package func isSame(as other: ValueSource) -> Bool {
        switch (content, other.content) {
        case (.scalar(let a), .scalar(let b)): a.text == b.text && a.reading == b.reading
        case (.template(_, let a), .template(_, let b)): a == b
        case (.list(let a), .list(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
        case (.map(let a), .map(let b)):
            a.count == b.count
                && a.allSatisfy { (key, value) in
                    b.contains { $0.key == key && $0.value.isSame(as: value) }
                }
        default: false
        }
    }
}
