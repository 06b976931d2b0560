import Diagnostics
import FleetModel
import Kinds
import Templates
import Values
import YAML

/// Reads one entry of a role's `handlers`.
struct HandlerReader {
    let role: String

    func read(_ node: Node, faults: inout DiagnosticBag) -> HandlerDefinition? {
        guard var map = StrictMap(node, what: "a handler", faults: &faults) else { return nil }
        let idNode = map.required("id", faults: &faults)
        let id = idNode.flatMap {
            StrictMap.string($0, what: "\"id\" of a handler", faults: &faults)
        }
        if let id, let idNode, !ResourceReader.isIdentifier(id) {
            faults.add(
                Diagnostic(
                    "bad-name", "\"\(id)\" cannot be an id", at: idNode.place,
                    hint: "use letters, digits, _, - and ."))
            return nil
        }
        guard let (kind, nameNode) = KindKey.take(from: &map, faults: &faults) else { return nil }
        var body = StrictMap.named("the handler \"\(id ?? "")\"", of: map)
        guard let form = kind.schema.traits.handler else {
            faults.add(
                Diagnostic(
                    "unknown-kind", "a \(kind.rawValue) cannot be a handler", at: node.place,
                    hint: "a handler is a service with an action, or a command"))
            return nil
        }
        let actionNode = body.value("action")
        let argumentsNode = form == .program ? body.value("run") : nil
        body.finish(faults: &faults)
        let name = typed(nameNode, .string, "the name of \(body.what)", faults: &faults)
        let arguments = argumentsNode.flatMap {
            typed($0, .list(.string), "run of \(body.what)", faults: &faults)
        }
        if form == .program, argumentsNode == nil {
            faults.add(
                Diagnostic(
                    "missing-key", "\(body.what) has no \"run\"", at: node.place,
                    hint: "run is the program and its arguments: [/usr/sbin/update-grub]"))
        }
        let action = action(actionNode, form, body, faults: &faults)
        guard let id, let name, let action else { return nil }
        return HandlerDefinition(
            id: id, place: node.place, kind: kind, name: name, action: action, arguments: arguments,
            reads: ReadPaths.of(name.uses + (arguments?.uses ?? [])))
    }

    private func action(
        _ node: Node?, _ form: KindTraits.HandlerForm, _ map: StrictMap,
        faults: inout DiagnosticBag
    ) -> PlannedHandler.Action? {
        let allowed = PlannedHandler.Action.allCases.filter { ($0 == .run) == (form == .program) }
        guard let node else { return form == .program ? .run : .restart }
        if let action = allowed.first(where: { $0.rawValue == node.text }) { return action }
        let names = allowed.map(\.rawValue)
        faults.add(
            Diagnostic(
                "wrong-type", "\"\(node.text ?? node.kindText)\" is not an action of \(map.what)",
                at: node.place,
                hint: NearestName.hint(for: node.text ?? "", in: names)
                    ?? "use one of \(names.joined(separator: ", "))"))
        return nil
    }

    private func typed(
        _ node: Node, _ type: ValueType, _ what: String, faults: inout DiagnosticBag
    ) -> AttributeSource? {
        do {
            let source = try ValueSource(node)
            guard source.isLiteral else { return .computed(source) }
            let value = try TypedReading.value(
                of: source, as: type, what: what, in: TemplateContext(ValueMap()))
            return .constant(value, source.place)
        } catch {
            faults.add(error)
            return nil
        }
    }
}
