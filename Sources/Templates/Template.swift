import Diagnostics
import Values

/// A `.j2` file or a YAML value, parsed once and rendered for every host.
///
/// The language is a strict subset of Jinja2 with Ansible's filters. An accepted template produces
/// the same text as Jinja2 with the settings of Ansible's `template` module: `trim_blocks` on,
/// `lstrip_blocks` off, `keep_trailing_newline` on, newlines as `\n`. Anything else is a fault with
/// a place. Undefined names are faults; `is defined` and `default` also accept any number of
/// missing parents, as in Ansible.
package struct Template: Sendable {
    let body: [Statement]
    let origin: Origin
    /// The names that it reads but does not define, in the order of their places.
    package let uses: [NameUse]
    /// The templates that it includes, each with its place.
    package let includes: [(name: String, place: Place)]
    /// Whether the text contains nothing to compute.
    package let isLiteral: Bool

    /// Parses a file.
    ///
    /// All independent faults are thrown together.
    package init(parsing source: SourceText) throws(Faults) {
        try self.init(source.text, origin: Origin(file: source), normalising: true)
    }

    /// Parses a string of a YAML file; `place` is the start of the scalar.
    package static func scalar(_ text: String, at place: Place) throws(Faults) -> Template {
        try Template(text, origin: Origin(scalar: text, at: place), normalising: false)
    }

    /// A template that consists of this text only.
    package static func literal(_ text: String, at place: Place) -> Template {
        Template(literal: text, origin: Origin(scalar: text, at: place))
    }

    /// The dotted paths that it reads and does not define: `["facts", "services", "irqbalance"]`.
    package var names: Set<[String]> { Set(uses.map(\.path)) }

    /// Renders the text.
    package func render(_ context: TemplateContext) throws(Faults) -> Rendered {
        if let text = literalText { return Rendered(text: text, isSecret: false) }
        let evaluator = Evaluator(context: context, origin: origin)
        try evaluator.run(body)
        return Rendered(text: evaluator.output, isSecret: evaluator.readSecret)
    }

    /// The value: if the text is exactly one `{{ … }}`, the value of the expression with its type;
    /// otherwise the rendered text.
    ///
    /// Marked secret if a secret was read.
    package func evaluate(_ context: TemplateContext) throws(Faults) -> Value {
        if let text = literalText { return .string(text) }
        guard case .output(let node)? = body.first, body.count == 1 else {
            return try render(context).value
        }
        return try Evaluator(context: context, origin: origin).evaluateWhole(node)
    }

    /// The text, if there is nothing to compute.
    private var literalText: String? {
        guard isLiteral else { return nil }
        guard case .text(let text)? = body.first else { return "" }
        return text
    }

    private init(literal text: String, origin: Origin) {
        self.init(
            body: text.isEmpty ? [] : [.text(text)], origin: origin, uses: [], includes: [],
            isLiteral: true)
    }

    private init(
        body: [Statement], origin: Origin, uses: [NameUse],
        includes: [(name: String, place: Place)], isLiteral: Bool
    ) {
        self.body = body
        self.origin = origin
        self.uses = uses
        self.includes = includes
        self.isLiteral = isLiteral
    }

    private init(_ text: String, origin: Origin, normalising: Bool) throws(Faults) {
        guard Self.hasMarkup(text) || (normalising && text.utf8.contains(13)) else {
            self.init(literal: text, origin: origin)
            return
        }
        var faults = FaultList(origin: origin)
        let scalars = TemplateScanner.normalise(text, &faults)
        let segments = TemplateScanner.segments(of: scalars, &faults)
        var parser = StatementParser(segments: segments, faults: faults)
        let body = parser.parse()
        try parser.faults.throwIfAny()
        var collector = NameCollector(origin: origin)
        collector.collect(body)
        for fault in collector.faults { parser.faults.add(fault) }
        try parser.faults.throwIfAny()
        self.init(
            body: body, origin: origin, uses: collector.uses, includes: collector.includes,
            isLiteral: !Self.hasMarkup(text))
    }

    /// Whether the text contains the beginning of a tag.
    private static func hasMarkup(_ text: String) -> Bool {
        var wasBrace = false
        for byte in text.utf8 {
            if wasBrace,
                byte == UInt8(ascii: "{") || byte == UInt8(ascii: "%")
                    || byte == UInt8(ascii: "#")
            {
                return true
            }
            wasBrace = byte == UInt8(ascii: "{")
        }
        return false
    }
}
