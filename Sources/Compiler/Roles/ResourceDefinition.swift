import Diagnostics
import FleetModel
import Kinds
import Templates
import Values

/// A resource as declared in a role: one or, with `for_each`, many on a host.
package struct ResourceDefinition: Sendable {
    package var kind: Kind
    /// The place where it begins, which is its origin in the plan.
    package var place: Place
    package var name: AttributeSource
    /// The attributes including `state`, in the order of the file.
    package var attributes: [(schema: AttributeSchema, source: AttributeSource)]
    package var id: String?
    package var when: Expression?
    package var forEach: ForEach?
    package var requires: [RequirementSource]
    package var notify: [(handler: HandlerReference, place: Place)]
    package var severity: DriftSeverity
    package var tags: [String]
    /// Whether it was read without faults.
    var isSound = true
    /// All paths that its expressions and templates read, on which its result depends.
    var reads: [[String]]

    /// The source of an attribute; nil if it is not given.
    func source(_ attribute: String) -> AttributeSource? {
        attributes.first { $0.schema.name == attribute }?.source
    }
}

/// A `for_each`: its collection, and the variable name of each element.
package struct ForEach: Sendable {
    package enum Values: Sendable {
        case expression(Expression)
        case written(ValueSource)
    }

    package var values: Values
    package var variable: String
    package var place: Place
}

/// A value of the schema's type, or the source from which each host computes one.
package enum AttributeSource: Sendable {
    case constant(Value, Place)
    case computed(ValueSource)

    package var place: Place {
        switch self {
        case .constant(_, let place): place
        case .computed(let source): source.place
        }
    }

    var uses: [NameUse] {
        switch self {
        case .constant: []
        case .computed(let source): source.uses
        }
    }
}

/// A `requires` of a resource: a reference, or a template that computes one.
package struct RequirementSource: Sendable {
    package enum Content: Sendable {
        case constant(ResourceReference)
        case computed(ValueSource)
    }

    package var content: Content
    package var place: Place
}

/// How a resource refers to another one.
package enum ResourceReference: Sendable, Hashable {
    /// By id, in the same role or another one.
    case id(role: String?, String)
    /// By kind and name: `package openonload`, `file:/etc/motd`.
    case thing(role: String?, Kind, String)

    /// Reads `id`, `role/id`, `kind name`, `kind:name` and `role/kind:name`.
    init(_ text: String) {
        if let (kind, name) = Self.thing(text[...]) {
            self = .thing(role: nil, kind, name)
            return
        }
        let role = text.prefix { $0 != "/" }
        guard role.count < text.count else {
            self = .id(role: nil, text)
            return
        }
        let rest = text.dropFirst(role.count + 1)
        if let (kind, name) = Self.thing(rest) {
            self = .thing(role: String(role), kind, name)
        } else {
            self = .id(role: String(role), String(rest))
        }
    }

    private static func thing(_ text: Substring) -> (Kind, String)? {
        let word = text.prefix { $0 != " " && $0 != ":" }
        guard word.count < text.count, let kind = Kind(rawValue: String(word)) else { return nil }
        let name = text.dropFirst(word.count + 1).drop { $0 == " " }
        return name.isEmpty ? nil : (kind, String(name))
    }
}

/// A reference to a handler: `id` in the same role, `role/id` in another one.
package struct HandlerReference: Sendable, Hashable {
    package var role: String
    package var id: String

    package init(role: String, id: String) {
        self.role = role
        self.id = id
    }

    /// The handler's address in the plan.
    package var address: String { "\(role)/\(id)" }
}

/// A handler, which runs once after all resources if one that notifies it has changed.
package struct HandlerDefinition: Sendable {
    package var id: String
    package var place: Place
    package var kind: Kind
    package var name: AttributeSource
    package var action: PlannedHandler.Action
    /// The program and its arguments, for a command.
    package var arguments: AttributeSource?
    var reads: [[String]]
}
