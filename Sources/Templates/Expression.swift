import Diagnostics
import Values

/// One expression without text around it: the value of `when` or `for_each`.
package struct Expression: Sendable {
    let node: Node
    let origin: Origin
    /// The names that it reads but does not define, in the order of their places.
    package let uses: [NameUse]

    /// Parses an expression; braces around the whole are optional.
    ///
    /// `place` is the start of the scalar in its YAML file.
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

    /// The dotted paths that it reads and does not define.
    package var names: Set<[String]> { Set(uses.map(\.path)) }

    /// The value, marked secret if a secret was read.
    package func evaluate(_ context: TemplateContext) throws(Faults) -> Value {
        try Evaluator(context: context, origin: origin).evaluateWhole(node)
    }

    /// Whether the condition holds.
    ///
    /// Any value other than a boolean is a fault, as in Ansible 2.19: a string or a list used as a
    /// condition is usually a mistake.
    package func isTrue(_ context: TemplateContext) throws(Faults) -> Bool {
        let evaluator = Evaluator(context: context, origin: origin)
        let value = try evaluator.value(node)
        if case .bool(let holds) = value { return holds }
        throw evaluator.fault(
            "template-type", "the condition is \(value.kindText), not true or false", at: node,
            hint: ValueHints.condition(value))
    }
}
