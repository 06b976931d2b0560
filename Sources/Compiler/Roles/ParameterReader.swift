import Diagnostics
import Kinds
import Templates
import Values
import Wire
import YAML

/// Reads the `parameters` of a role.yaml.
enum ParameterReader {
    /// Names that already have a meaning in templates.
    static let reservedNames: Set<String> = [
        "facts", "inventory_hostname", "inventory_hostname_short", "group_names", "groups",
        "hostvars", "loop", "true", "false", "none", "True", "False", "None", "and", "or", "not",
        "in", "is", "if", "else",
    ]

    static func read(
        _ node: Node, role: String, faults: inout DiagnosticBag
    ) -> [ParameterDefinition] {
        guard var map = StrictMap(node, what: "\"parameters\" of the role \(role)", faults: &faults)
        else { return [] }
        var all: [ParameterDefinition] = []
        for (name, entry) in map.rest() {
            guard isIdentifier(name), !reservedNames.contains(name) else {
                let isReserved = reservedNames.contains(name)
                faults.add(
                    Diagnostic(
                        "bad-name", "\"\(name)\" cannot be the name of a parameter",
                        at: entry.key.place,
                        cause: isReserved ? "the name is reserved in templates" : nil,
                        hint: isReserved
                            ? nil
                            : "use letters, digits and _, and do not begin with a digit"))
                continue
            }
            // A faulty parameter is still defined, so that its uses are not reported too.
            all.append(
                parameter(name, entry, role: role, faults: &faults)
                    ?? ParameterDefinition(
                        name: name, place: entry.key.place, type: .any, isOptional: true,
                        summary: ""))
        }
        return all
    }

    /// Whether templates can read a variable of this name.
    static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || (48...57).contains($0) || (97...122).contains($0 | 32)
        }
    }

    private static func parameter(
        _ name: String, _ entry: Node.Entry, role: String, faults: inout DiagnosticBag
    ) -> ParameterDefinition? {
        let what = "the parameter \"\(name)\""
        guard var map = StrictMap(entry.value, what: what, faults: &faults) else { return nil }
        let typeNode = map.value("type")
        let choices = map.value("one_of")
        let defaultNode = map.value("default")
        let minimum = map.value("minimum")
        let maximum = map.value("maximum")
        let isOptional = map.boolean("optional", faults: &faults) ?? false
        let summary = map.string("description", faults: &faults) ?? ""
        let from = map.entry("from")
        map.finish(faults: &faults)

        guard
            var type = type(
                typeNode, choices: choices, what: what, at: entry.key.place, faults: &faults)
        else { return nil }
        var definition = ParameterDefinition(
            name: name, place: entry.key.place, type: type, isOptional: isOptional, summary: summary
        )
        definition.minimum = bound(minimum, "minimum", of: type, what: what, faults: &faults)
        definition.maximum = bound(maximum, "maximum", of: type, what: what, faults: &faults)
        if case .integer = type {
            type = .integer(
                minimum: definition.minimum.map { Int($0) },
                maximum: definition.maximum.map { Int($0) })
            definition.type = type
            (definition.minimum, definition.maximum) = (nil, nil)
        }
        if let from {
            definition.inventoryName = StrictMap.string(
                from.value, what: "\"from\" of \(what)", faults: &faults)
        }
        if let defaultNode {
            definition.defaultSource = checkedDefault(
                defaultNode, of: definition, role: role, faults: &faults)
        }
        return definition
    }

    /// The type declared by `type` and `one_of`.
    private static func type(
        _ node: Node?, choices: Node?, what: String, at place: Place, faults: inout DiagnosticBag
    ) -> ValueType? {
        var type: ValueType?
        if let node {
            guard let text = StrictMap.string(node, what: "\"type\" of \(what)", faults: &faults)
            else { return nil }
            if text == "one_of", choices != nil {
                type = .string
            } else {
                type = TypeName.type(text)
            }
            guard type != nil else {
                faults.add(
                    Diagnostic(
                        "unknown-type", "there is no type \"\(text)\"", at: node.place,
                        hint: NearestName.hint(for: text, in: TypeName.all)
                            ?? "the types are \(TypeName.all.joined(separator: ", ")), "
                            + "and \"list of\" or \"map of\" one of them"))
                return nil
            }
        }
        guard let choices else {
            if type == nil {
                faults.add(
                    Diagnostic(
                        "missing-key", "\(what) has no type", at: place,
                        hint: "the types are \(TypeName.all.joined(separator: ", "))"))
            }
            return type
        }
        let names = StrictMap.strings(choices, what: "\"one_of\" of \(what)", faults: &faults)
            .map(\.text)
        guard !names.isEmpty else {
            faults.add(
                Diagnostic("empty", "\"one_of\" of \(what) is empty", at: choices.place))
            return nil
        }
        switch type ?? .string {
        case .string: return .oneOf(names)
        case .list(.string): return .list(.oneOf(names))
        case let other:
            faults.add(
                Diagnostic(
                    "wrong-type",
                    "\"one_of\" of \(what) is for strings, not for \(other.name)",
                    at: choices.place, hint: "use minimum and maximum for numbers"))
            return nil
        }
    }

    /// A bound, read as a value of the parameter's type.
    private static func bound(
        _ node: Node?, _ key: String, of type: ValueType, what: String, faults: inout DiagnosticBag
    ) -> Double? {
        guard let node else { return nil }
        let element = if case .list(let element) = type { element } else { type }
        switch element {
        case .integer, .number, .size, .duration: break
        default:
            faults.add(
                Diagnostic(
                    "wrong-type", "\"\(key)\" of \(what) has no meaning for \(type.described)",
                    at: node.place,
                    hint: "it is only for an integer, a number, a size or a duration"))
            return nil
        }
        do {
            let value = try TypedReading.value(
                of: try ValueSource(node), as: element, what: "\"\(key)\" of \(what)",
                in: TemplateContext(ValueMap()))
            return value.json.double
        } catch {
            faults.add(error)
            return nil
        }
    }

    /// The default value; its type is checked at once if it has no template.
    private static func checkedDefault(
        _ node: Node, of definition: ParameterDefinition, role: String, faults: inout DiagnosticBag
    ) -> ValueSource? {
        do {
            let source = try ValueSource(node)
            if source.isNull && !definition.isOptional {
                faults.add(
                    Diagnostic(
                        "wrong-type",
                        "the default of \"\(definition.name)\" is null, but it is not optional",
                        at: node.place,
                        hint: "add \"optional: true\", or remove the default to require a value"))
            }
            guard source.isLiteral else { return source }
            let what = "the default of \"\(definition.name)\""
            let value = try TypedReading.value(
                of: source, as: definition.type, what: what, in: TemplateContext(ValueMap()))
            if let fault = definition.fault(of: value) {
                faults.add(
                    Diagnostic(
                        "out-of-range", "\(what): \(fault.message)", at: node.place,
                        hint: fault.hint))
            }
            return source
        } catch {
            faults.add(error)
            return nil
        }
    }
}

/// The names of types in role.yaml.
enum TypeName {
    static let simple: [(name: String, type: ValueType)] = [
        ("string", .string), ("integer", .integer()), ("number", .number), ("boolean", .boolean),
        ("list", .list(.any)), ("map", .map(.any)), ("cpu_list", .cpuList), ("size", .size),
        ("duration", .duration), ("path", .path), ("mode", .mode), ("version", .version),
        ("secret", .secret), ("any", .any),
    ]
    static let all: [String] = simple.map(\.name)

    /// The type named by a text: `integer`, `list of path`, `map of list of string`.
    static func type(_ text: String) -> ValueType? {
        let words = text.split(separator: " ")
        guard let first = words.first else { return nil }
        if words.count == 1 { return simple.first { $0.name == first }?.type }
        guard words.count > 2, words[1] == "of",
            let element = type(words[2...].joined(separator: " "))
        else { return nil }
        return first == "list" ? .list(element) : first == "map" ? .map(element) : nil
    }
}
