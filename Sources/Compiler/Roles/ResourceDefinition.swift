import Diagnostics
import FleetModel
import Kinds
import Templates
import Values

/// A resource as a role declares it: one, or with `for_each` many on a host.
package struct ResourceDefinition: Sendable {
    package var kind: Kind
    /// Where it begins; its origin in the plan.
    package var place: Place
    package var name: AttributeSource
    /// In the order of the file, `state` included.
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
    /// What decides what it becomes on a host: every path its expressions and templates read.
    var reads: [[String]]

    /// The source of an attribute that is given.
    func source(_ attribute: String) -> AttributeSource? {
        attributes.first { $0.schema.name == attribute }?.source
    }
}

/// A `for_each`: what is gone over, and what each element is called.
package struct ForEach: Sendable {
    package enum Values: Sendable {
        case expression(Expression)
        case written(ValueSource)
    }

    package var values: Values
    package var variable: String
    package var place: Place
}

/// A value of the schema's type, or what gives one on each host.
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

/// A `requires` of a resource: a reference, or a template that gives one.
package struct RequirementSource: Sendable {
    package enum Content: Sendable {
        case constant(ResourceReference)
        case computed(ValueSource)
    }

    package var content: Content
    package var place: Place
}

/// How a resource is named by another one.
package enum ResourceReference: Sendable, Hashable {
    /// By its id, in the same role or in another.
    case id(role: String?, String)
    /// By what it is on the host: `package openonload`, `file:/etc/motd`.
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

/// How a handler is named: `id` in the same role, `role/id` in another.
package struct HandlerReference: Sendable, Hashable {
    package var role: String
    package var id: String

    package init(role: String, id: String) {
        self.role = role
        self.id = id
    }

    /// The address in the plan.
    package var address: String { "\(role)/\(id)" }
}

/// What runs once after the resources where one that notifies it changed.
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
