import Diagnostics
import FleetModel
import Kinds
import Templates
import Values
import YAML

/// Reads one entry of a role's `resources`.
struct ResourceReader {
    let role: String
    let templates: TemplateFolder
    let files: FleetFiles

    /// The keys that every resource may have.
    static let commonKeys = [
        "id", "when", "for_each", "as", "requires", "notify", "severity", "tags", "state",
    ]

    func read(_ node: Node, faults: inout DiagnosticBag) -> ResourceDefinition? {
        let before = faults.all.count
        guard var map = StrictMap(node, what: "a resource", faults: &faults),
            let (kind, nameNode) = KindKey.take(from: &map, faults: &faults)
        else { return nil }
        let schema = kind.schema
        let what = "\(kind.rawValue) \(nameNode.text ?? "")"
        var body = StrictMap.named(what, of: map)
        let id = identifier(&body, faults: &faults)
        let when = expression("when", of: &body, faults: &faults)
        let forEach = forEach(&body, faults: &faults)
        let requires = requirements(&body, faults: &faults)
        let notify = body.strings("notify", faults: &faults).map {
            (HandlerReference($0.text, in: role), $0.place)
        }
        let severity = severity(&body, faults: &faults)
        let tags = body.strings("tags", faults: &faults).map(\.text)
        guard
            let name = typed(
                nameNode, as: schema.nameType, what: "the name of \(what)", faults: &faults)
        else { return nil }
        var definition = ResourceDefinition(
            kind: kind, place: node.place, name: name, attributes: [], id: id?.text, when: when,
            forEach: forEach, requires: requires, notify: notify, severity: severity, tags: tags,
            reads: [])
        definition.attributes = attributes(schema, &body, what: what, faults: &faults)
        body.finish(others: ["kind"], faults: &faults)
        checkContent(of: definition, faults: &faults)
        definition.reads = reads(of: definition)
        definition.isSound = faults.all.count == before
        return definition
    }

    // MARK: The attributes of the kind

    private func attributes(
        _ schema: KindSchema, _ map: inout StrictMap, what: String, faults: inout DiagnosticBag
    ) -> [(schema: AttributeSchema, source: AttributeSource)] {
        var all: [(schema: AttributeSchema, source: AttributeSource)] = []
        var declared = schema.attributes
        if !schema.states.isEmpty, schema.attribute("state") == nil {
            declared.append(
                AttributeSchema("state", .oneOf(schema.states), "Whether it must exist."))
        }
        for attribute in declared {
            guard let node = map.value(attribute.name) else {
                if attribute.isRequired {
                    faults.add(
                        Diagnostic(
                            "missing-key", "\(what) has no \"\(attribute.name)\"", at: map.place,
                            hint: attribute.summary.isEmpty ? nil : attribute.summary))
                }
                continue
            }
            let label = "\(attribute.name) of \(what)"
            guard let source = typed(node, as: attribute.type, what: label, faults: &faults)
            else { continue }
            if case .constant(.null, let place) = source, attribute.isRequired {
                faults.add(Diagnostic("wrong-type", "\(label) is null", at: place))
            }
            all.append((attribute, source))
        }
        return all
    }

    /// A typed value; the type is checked at once if it has no template.
    private func typed(
        _ node: Node, as type: ValueType, what: String, faults: inout DiagnosticBag
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

    /// Checks that a template or file with a constant name exists.
    private func checkContent(of definition: ResourceDefinition, faults: inout DiagnosticBag) {
        if case .constant(.string(let name), let place)? = definition.source("template"),
            templates.templates[name] == nil
        {
            faults.add(templates.missing(name, at: place))
        }
    }

    // MARK: The attributes of every resource

    private func identifier(
        _ map: inout StrictMap, faults: inout DiagnosticBag
    ) -> (text: String, place: Place)? {
        guard let node = map.value("id"),
            let text = StrictMap.string(node, what: "\"id\" of \(map.what)", faults: &faults)
        else { return nil }
        guard Self.isIdentifier(text) else {
            faults.add(
                Diagnostic(
                    "bad-name", "\"\(text)\" cannot be an id", at: node.place,
                    hint: "use letters, digits, _, - and ."))
            return nil
        }
        return (text, node.place)
    }

    /// Whether a text is a valid id, which occurs in `requires`, `notify` and addresses.
    static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0 | 32)
                    || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0)
            }
    }

    private func expression(
        _ key: String, of map: inout StrictMap, faults: inout DiagnosticBag
    ) -> Expression? {
        guard let node = map.value(key) else { return nil }
        // `when: true` and `when: false` are written as booleans, and are expressions too.
        if case .bool(let meant)? = node.scalar?.reading,
            !["true", "false", "True", "False"].contains(node.text)
        {
            faults.add(
                Diagnostic(
                    "wrong-type", "\"\(key)\" of \(map.what) is not an expression", at: node.place,
                    hint: "write \(meant)"))
            return nil
        }
        guard let text = StrictMap.string(node, what: "\"\(key)\" of \(map.what)", faults: &faults)
        else { return nil }
        do {
            return try Expression(parsing: text, at: node.place)
        } catch {
            faults.add(error)
            return nil
        }
    }

    private func forEach(_ map: inout StrictMap, faults: inout DiagnosticBag) -> ForEach? {
        let variable = map.value("as")
        guard let node = map.value("for_each") else {
            if let variable {
                faults.add(
                    Diagnostic(
                        "missing-key", "\"as\" of \(map.what) names the element of a for_each",
                        at: variable.place, hint: "add for_each, or remove as"))
            }
            return nil
        }
        var name = "item"
        if let variable {
            guard
                let text = StrictMap.string(
                    variable, what: "\"as\" of \(map.what)", faults: &faults)
            else { return nil }
            guard ParameterReader.isIdentifier(text), !ParameterReader.reservedNames.contains(text)
            else {
                faults.add(
                    Diagnostic(
                        "bad-name", "\"\(text)\" cannot name the element of a for_each",
                        at: variable.place))
                return nil
            }
            name = text
        }
        do {
            guard let text = node.text else {
                return ForEach(
                    values: .written(try ValueSource(node)), variable: name, place: node.place)
            }
            return ForEach(
                values: .expression(try Expression(parsing: text, at: node.place)), variable: name,
                place: node.place)
        } catch {
            faults.add(error)
            return nil
        }
    }

    private func requirements(
        _ map: inout StrictMap, faults: inout DiagnosticBag
    ) -> [RequirementSource] {
        guard let node = map.value("requires") else { return [] }
        var all: [RequirementSource] = []
        for element in node.list ?? [node] {
            let what = "\"requires\" of \(map.what)"
            guard let text = StrictMap.string(element, what: what, faults: &faults) else {
                continue
            }
            do {
                let source = try ValueSource(element)
                all.append(
                    RequirementSource(
                        content: source.isLiteral
                            ? .constant(ResourceReference(text)) : .computed(source),
                        place: element.place))
            } catch {
                faults.add(error)
            }
        }
        return all
    }

    private func severity(_ map: inout StrictMap, faults: inout DiagnosticBag) -> DriftSeverity {
        guard let node = map.value("severity") else { return .warning }
        if let severity = DriftSeverity(rawValue: node.text ?? "") { return severity }
        let names = DriftSeverity.allCases.map(\.rawValue)
        faults.add(
            Diagnostic(
                "wrong-type", "\"\(node.text ?? node.kindText)\" is not a severity", at: node.place,
                hint: "use one of \(names.joined(separator: ", "))"))
        return .warning
    }

    // MARK: What it reads

    private func reads(of definition: ResourceDefinition) -> [[String]] {
        var paths = ReadPaths.of(definition.uses)
        if let template = definition.source("template") {
            var name: String?
            if case .constant(.string(let text), _) = template { name = text }
            let uses = templates.reads(of: name)
            paths = ReadPaths.of(
                definition.uses + uses.filter { $0.path.first != definition.forEach?.variable })
        }
        return paths + (definition.kind.schema.traits.expansion?.reads ?? [])
    }
}

extension HandlerReference {
    /// Reads `id` or `role/id`.
    init(_ text: String, in role: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            self.init(role: String(parts[0]), id: String(parts[1]))
        } else {
            self.init(role: role, id: text)
        }
    }
}
