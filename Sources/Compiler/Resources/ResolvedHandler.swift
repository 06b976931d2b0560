import Diagnostics
import FleetModel
import Kinds
import Templates
import Values
import Wire

/// A handler of one host with all values computed.
final class ResolvedHandler: Sendable {
    let planned: PlannedHandler
    let place: Place

    init(_ planned: PlannedHandler, at place: Place) {
        self.planned = planned
        self.place = place
    }
}

/// Computes a role's handlers.
struct HandlerResolver {
    let role: RoleDefinition

    func resolve(_ index: Int, in context: TemplateContext) throws(Faults) -> ResolvedHandler {
        let definition = role.handlers[index]
        let what = "the handler \(role.name)/\(definition.id)"
        let name = try text(of: definition.name, "the name of \(what)", context)
        var arguments: [String] = []
        if let source = definition.arguments {
            let value = try AttributeResolver.value(
                of: source, as: .list(.string), what: "run of \(what)", context)
            if value.holdsSecret { throw shown("run of \(what)", at: source.place) }
            arguments = (value.json.array ?? []).compactMap(\.string)
            try check(arguments, of: what, at: source.place)
        }
        if definition.kind.schema.traits.handler == .unitAction {
            do {
                try UnitName.check(name)
            } catch {
                throw Faults(
                    Diagnostic(
                        "bad-attribute", "\(what): \(error.message)", at: definition.name.place,
                        hint: error.hint))
            }
        }
        return ResolvedHandler(
            PlannedHandler(
                address: HandlerReference(role: role.name, id: definition.id).address,
                kind: definition.kind, name: name, action: definition.action,
                arguments: arguments), at: definition.place)
    }

    private func text(
        of source: AttributeSource, _ what: String, _ context: TemplateContext
    ) throws(Faults) -> String {
        let value = try AttributeResolver.value(of: source, as: .string, what: what, context)
        if value.holdsSecret { throw shown(what, at: source.place) }
        guard case .string(let text) = value, !text.isEmpty else {
            throw Faults(Diagnostic("wrong-type", "\(what) is empty", at: source.place))
        }
        return text
    }

    private func check(
        _ arguments: [String], of what: String, at place: Place
    ) throws(Faults) {
        guard let program = arguments.first, program.hasPrefix("/") else {
            throw Faults(
                Diagnostic(
                    "bad-attribute",
                    "\(what): \"\(arguments.first ?? "")\" is not the absolute path of a program",
                    at: place, hint: "no search path and no shell are used"))
        }
    }

    private func shown(_ what: String, at place: Place) -> Faults {
        Faults(
            Diagnostic(
                "shown-secret", "\(what) is computed from a secret and would reveal it", at: place))
    }
}
