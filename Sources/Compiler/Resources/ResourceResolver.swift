import Diagnostics
import FleetModel
import Kinds
import Templates
import Values
import Wire

/// Resolves a declared resource for one host: to none, one or, with `for_each`, many.
struct ResourceResolver {
    let role: RoleDefinition
    let roleIndex: Int
    let digests: FileDigests

    /// The resources of a definition in a context; throws all faults together.
    func resolve(_ index: Int, in context: TemplateContext) throws(Faults) -> [ResolvedResource] {
        let definition = role.resources[index]
        guard let forEach = definition.forEach else {
            if let when = definition.when, !(try when.isTrue(context)) { return [] }
            return try one(index, in: context)
        }
        // A condition that does not read the element applies to the for_each as a whole.
        var perElement = definition.when
        if let when = definition.when,
            !when.uses.contains(where: { $0.path.first == forEach.variable })
        {
            guard try when.isTrue(context) else { return [] }
            perElement = nil
        }
        var faults = DiagnosticBag()
        var all: [ResolvedResource] = []
        for element in try elements(of: forEach, in: context) {
            let inner = context.adding(ValueMap([(forEach.variable, element)]))
            do {
                if let when = perElement, !(try when.isTrue(inner)) { continue }
                all += try one(index, in: inner)
            } catch {
                faults.add(error)
            }
        }
        try faults.throwIfErrors()
        return all
    }

    /// The elements of a `for_each`: those of a list, or `key` and `value` of each map entry.
    private func elements(
        of forEach: ForEach, in context: TemplateContext
    ) throws(Faults) -> [Value] {
        let value: Value
        switch forEach.values {
        case .expression(let expression): value = try expression.evaluate(context)
        case .written(let source): value = try source.evaluate(context)
        }
        switch value {
        case .list(let elements): return elements
        case .secret(.list(let elements)): return elements.map { .secret($0) }
        case .map(let map):
            return map.pairs.map {
                .map(ValueMap([("key", .string($0.key)), ("value", $0.value)]))
            }
        case let other:
            throw Faults(
                Diagnostic(
                    "wrong-type", "for_each needs a list or a map, not \(other.kindText)",
                    at: forEach.place,
                    hint: other == .null
                        ? "if the value may be missing, add \"| default([], true)\"" : nil))
        }
    }

    /// One resource, and the resources derived from it.
    private func one(
        _ index: Int, in context: TemplateContext
    ) throws(Faults) -> [ResolvedResource] {
        let definition = role.resources[index]
        let kind = definition.kind
        let name = try self.name(of: definition, in: context)
        let label = "\(kind.rawValue) \(name)"
        var resolver = AttributeResolver(
            definition, of: role, label: label, digests: digests, context: context)
        resolver.run()
        var faults = resolver.faults
        let requires = requirements(of: definition, in: context, faults: &faults)
        try faults.throwIfErrors()
        guard let expansion = kind.schema.traits.expansion else {
            return [
                try planned(
                    index, kind, name, resolver.attributes, requires: requires,
                    blobs: resolver.blobs, isFirst: true)
            ]
        }
        let parts = try expansion.parts(
            resolver.attributes,
            facts: { () throws(Faults) in try context.lookup("facts")?.json ?? .null },
            at: definition.place)
        var all: [ResolvedResource] = []
        for part in parts {
            all.append(
                try planned(
                    index, part.kind, part.name, part.attributes, requires: requires, blobs: [],
                    isFirst: all.isEmpty))
        }
        return all
    }

    private func planned(
        _ index: Int, _ kind: Kind, _ name: String, _ attributes: [String: JSON],
        requires: [ResolvedResource.Requirement], blobs: [Blob], isFirst: Bool
    ) throws(Faults) -> ResolvedResource {
        let definition = role.resources[index]
        let declaration: any ResourceDeclaration
        do {
            declaration = try kind.declaration(name: name, attributes: attributes)
        } catch {
            throw Faults(diagnostic(of: error, definition, label: "\(kind.rawValue) \(name)"))
        }
        let planned = PlannedResource(
            address: "\(role.name)/\(kind.rawValue):\(name)", kind: kind, name: name,
            attributes: attributes,
            notify: definition.notify.map(\.handler.address), severity: definition.severity,
            tags: definition.tags)
        return ResolvedResource(
            definition: .init(role: roleIndex, index: index), place: definition.place,
            id: isFirst ? definition.id : nil, planned: planned, declaration: declaration,
            requires: requires, blobs: blobs)
    }

    private func name(
        of definition: ResourceDefinition, in context: TemplateContext
    ) throws(Faults) -> String {
        let what = "the name of a \(definition.kind.rawValue)"
        let value = try AttributeResolver.value(
            of: definition.name, as: definition.kind.schema.nameType, what: what, context)
        switch value {
        case .string(let text) where !text.isEmpty: return text
        case .secret:
            throw Faults(
                Diagnostic(
                    "shown-secret", "\(what) is computed from a secret and would reveal it",
                    at: definition.name.place))
        default:
            throw Faults(
                Diagnostic("wrong-type", "\(what) is empty", at: definition.name.place))
        }
    }

    private func requirements(
        of definition: ResourceDefinition, in context: TemplateContext, faults: inout DiagnosticBag
    ) -> [ResolvedResource.Requirement] {
        var all: [ResolvedResource.Requirement] = []
        for requirement in definition.requires {
            switch requirement.content {
            case .constant(let reference):
                all.append(.init(reference: reference, place: requirement.place))
            case .computed(let source):
                do {
                    let value = try TypedReading.value(
                        of: source, as: .string, what: "requires", in: context)
                    guard case .string(let text) = value else { continue }
                    all.append(
                        .init(reference: ResourceReference(text), place: requirement.place))
                } catch {
                    faults.add(error)
                }
            }
        }
        return all
    }

    /// A fault that the kind reported, at the place of its attribute.
    private func diagnostic(
        of fault: AttributeFault, _ definition: ResourceDefinition, label: String
    ) -> Diagnostic {
        guard let attribute = fault.attribute else {
            return Diagnostic(
                "bad-attribute", "\(label): \(fault.message)", at: definition.place,
                hint: fault.hint)
        }
        // The kind names computed content attributes; the role has one of these three instead.
        let names =
            attribute.hasPrefix("content_") ? ["content", "template", "source"] : [attribute]
        let written = names.first { definition.source($0) != nil }
        var message = fault.message
        if let written, written != attribute, message.hasPrefix(attribute) {
            message = written + message.dropFirst(attribute.count)
        }
        return Diagnostic(
            "bad-attribute", "\(label): \(message)",
            at: written.flatMap { definition.source($0)?.place } ?? definition.place,
            hint: fault.hint)
    }
}
