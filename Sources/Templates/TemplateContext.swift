import Diagnostics
import Values

/// The source of a template's names and includes.
///
/// Used for one rendering, never shared.
package struct TemplateContext {
    /// The value of a name; nil if it does not exist.
    ///
    /// It may throw, which ends the rendering with these faults: for "the facts of this host are
    /// missing", which differs from "undefined".
    package let lookup: (String) throws(Faults) -> Value?
    /// The template that an `{% include %}` names; nil if it does not exist.
    package let include: (String) throws(Faults) -> Template?
    /// The existing names; used only for hints.
    package let knownNames: () -> [String]

    package init(
        lookup: @escaping (String) throws(Faults) -> Value?,
        include: @escaping (String) throws(Faults) -> Template? = { _ in nil },
        knownNames: @escaping () -> [String] = { [] }
    ) {
        self.lookup = lookup
        self.include = include
        self.knownNames = knownNames
    }

    /// A context over a map of values.
    package init(
        _ values: ValueMap, include: @escaping (String) throws(Faults) -> Template? = { _ in nil }
    ) {
        self.init(
            lookup: { values[$0] }, include: include, knownNames: { values.keys })
    }

    /// The same context with additional names that take precedence: `item` of a `for_each`.
    package func adding(_ values: ValueMap) -> TemplateContext {
        let outer = self
        return TemplateContext(
            lookup: { (name) throws(Faults) -> Value? in
                if let value = values[name] { return value }
                return try outer.lookup(name)
            },
            include: include,
            knownNames: { values.keys + outer.knownNames() })
    }
}

/// The result of rendering a template.
package struct Rendered: Sendable, Equatable {
    package var text: String
    /// Whether a secret was read during rendering.
    ///
    /// This is conservative: reading a secret makes the whole text secret.
    package var isSecret: Bool

    package init(text: String, isSecret: Bool) {
        self.text = text
        self.isSecret = isSecret
    }

    /// The text as a value, marked secret if necessary.
    package var value: Value { isSecret ? .secret(.string(text)) : .string(text) }
}

/// One reading of a name that the template does not define.
package struct NameUse: Sendable {
    /// The dotted path as far as it is constant: `["facts", "services", "irqbalance"]`.
    package let path: [String]
    /// Whether the template handles its absence: `is defined`, `default`.
    package let mayBeUndefined: Bool

    let origin: Origin
    let start: Int
    let end: Int

    /// The place of the reading.
    ///
    /// Computed on request, which happens only for messages.
    package var place: Place { origin.place(start, end) }
}
