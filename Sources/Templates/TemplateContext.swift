import Diagnostics
import Values

/// Where a template gets its names and its includes from.
///
/// One per rendering; not shared.
package struct TemplateContext {
    /// The value of a name; nil where there is none.
    ///
    /// It may throw, which ends the rendering with those faults: for "the facts of this host are
    /// missing", which is not the same as "undefined".
    package let lookup: (String) throws(Faults) -> Value?
    /// The template an `{% include %}` names; nil where there is none.
    package let include: (String) throws(Faults) -> Template?
    /// The names that exist, asked for only to say what was probably meant.
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

    /// The same context with some names in front of it: `item` of a `for_each`.
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

/// What a template gave.
package struct Rendered: Sendable, Equatable {
    package var text: String
    /// Whether a secret was read on the way.
    ///
    /// Conservative: reading one taints the whole text.
    package var isSecret: Bool

    package init(text: String, isSecret: Bool) {
        self.text = text
        self.isSecret = isSecret
    }

    /// The text as a value, marked secret where it is.
    package var value: Value { isSecret ? .secret(.string(text)) : .string(text) }
}

/// One read of a name that the template does not define itself.
package struct NameUse: Sendable {
    /// The dotted path as far as it is constant: `["facts", "services", "irqbalance"]`.
    package let path: [String]
    /// Whether the template copes with its absence: `is defined`, `default`.
    package let mayBeUndefined: Bool

    let origin: Origin
    let start: Int
    let end: Int

    /// Where it is read.
    ///
    /// Worked out when asked for, which is when there is something to say.
    package var place: Place { origin.place(start, end) }
}
