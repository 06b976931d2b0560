import Diagnostics
import Values

/// One expression without text around it: the value of `when` or `for_each`.
package struct Expression: Sendable {
    let node: Node
    let origin: Origin
    /// The names it reads and does not define itself, in the order of their places.
    package let uses: [NameUse]

    /// Parses an expression; braces around the whole are optional.
    ///
    /// `place` is where the scalar begins in its YAML file.
    package init(parsing text: String, at place: Place) throws(Faults) {
        let origin = Origin(scalar: text, at: place)
        var faults = FaultList(origin: origin)
        let scalars = TemplateScanner.normalise(text, &faults)
        let node = ExpressionParser.parseWhole(scalars, &faults)
        try faults.throwIfAny()
        guard let node else {
            throw Faults(Diagnostic(.error, "template-syntax", "no expression here", at: place))
        }
        var collector = NameCollector(origin: origin)
        collector.collect(node)
        self.node = node
        self.origin = origin
        uses = collector.uses
    }

    /// The free dotted paths it reads.
    package var names: Set<[String]> { Set(uses.map(\.path)) }

    /// The value, secret where a secret was read.
    package func evaluate(_ context: TemplateContext) throws(Faults) -> Value {
        try Evaluator(context: context, origin: origin).evaluateWhole(node)
    }

    /// Whether the condition holds.
    ///
    /// Anything but a boolean is a fault, as in Ansible 2.19: a string or a list used as a
    /// condition is a mistake more often than not.
    package func isTrue(_ context: TemplateContext) throws(Faults) -> Bool {
        let evaluator = Evaluator(context: context, origin: origin)
        let value = try evaluator.value(node)
        if case .bool(let holds) = value { return holds }
        throw evaluator.fault(
            "template-type", "the condition is \(value.kindText), not true or false", at: node,
            hint: ValueHints.condition(value))
    }
}
