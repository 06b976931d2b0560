import Diagnostics
import Templates
import Values
import Wire
import YAML

/// A value written in YAML, whose templates are parsed once and evaluated for every host.
package struct ValueSource: Sendable {
    package indirect enum Content: Sendable {
        /// A scalar without templates.
        case scalar(Scalar)
        /// A template, and the text from which it was parsed.
        case template(Template, text: String)
        case list([ValueSource])
        case map([(key: String, value: ValueSource)])
    }

    package let content: Content
    package let place: Place
    /// The names that its templates read, in order.
    package let uses: [NameUse]
    /// Whether it has no templates.
    package let isLiteral: Bool

    /// Parses the templates in a node.
    ///
    /// Throws for values encrypted with Ansible Vault.
    package init(_ node: Node) throws(Faults) {
        place = node.place
        if node.isVault {
            throw Faults(
                Diagnostic(
                    "vault", "a value is encrypted with Ansible Vault", at: node.place,
                    hint: "muster cannot decrypt vaults: put the plain value into a private file"))
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

    /// Whether it is a null scalar: `~`, `null` or empty.
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

    /// The text of a scalar as written, the JSON of anything else.
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

    /// Evaluates it, with YAML 1.1 types for its scalars, like Ansible's variables.
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

    /// Whether both have the same text; places are not compared.
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
