import Diagnostics
import Values

extension Evaluator {
    /// The fault for an undefined node: it names the innermost missing part.
    func undefined(_ node: Node) -> Faults {
        switch node.form {
        case .name(let name):
            return fault(
                "undefined-name", "\"\(name)\" is undefined", at: node,
                hint: NearestName.hint(for: name, in: knownNames)
                    ?? "define it, or allow its absence: \(name) | default(…)")
        case .attribute(let base, let name):
            return undefinedMember(base, name, node)
        case .subscripted(let base, let key):
            if case .constant(.string(let name)) = key.form {
                return undefinedMember(base, name, node)
            }
            if isUndefined(base) { return undefined(base) }
            return fault("undefined-name", "there is no such element", at: node)
        case .slice(let base, _, _, _): return undefined(base)
        case .conditional(_, let then, let otherwise):
            if let otherwise {
                return isUndefined(then) ? undefined(then) : undefined(otherwise)
            }
            if isUndefined(then) { return undefined(then) }
            return fault(
                "undefined-name", "the condition does not hold and there is no else", at: node,
                hint: "add \"else\" and a value")
        case .filtered(let subject, let filter, let arguments):
            if filter.takesUndefined, let fallback = arguments.bound[0] {
                return undefined(fallback)
            }
            if isUndefined(subject) { return undefined(subject) }
            return fault(
                "undefined-name", "\"\(filter.name)\" of an empty list", at: node,
                hint: "allow an empty list: | \(filter.name) | default(…)")
        case .loop(let field, _):
            return fault(
                "undefined-name", "there is no loop.\(field.rawValue) here", at: node,
                hint: "ask for loop.first or loop.last before")
        default:
            return fault("undefined-name", "this is undefined", at: node)
        }
    }

    /// Whether a node that reads no name is a list without elements.
    ///
    /// Jinja2 evaluates such a node while parsing, and the first element of an empty list is then a
    /// fault even if it is never reached.
    static func isConstantlyEmpty(_ node: Node) -> Bool {
        let origin = Origin(file: SourceText(name: "", text: ""))
        var collector = NameCollector(origin: origin)
        collector.collect(node)
        guard collector.uses.isEmpty else { return false }
        let evaluator = Evaluator(
            context: TemplateContext(ValueMap()), origin: origin)
        do throws(Faults) {
            switch try evaluator.optional(node) {
            case .list(let elements)?: return elements.isEmpty
            case .map(let map)?: return map.isEmpty
            case .string(let text)?: return text.isEmpty
            default: return false
            }
        } catch {
            return false
        }
    }

    private func isUndefined(_ node: Node) -> Bool {
        do throws(Faults) { return try optional(node) == nil } catch { return false }
    }

    private func undefinedMember(_ base: Node, _ name: String, _ node: Node) -> Faults {
        if case .name(let baseName) = base.form, let namespace = namespace(baseName) {
            return fault(
                "undefined-name", "the namespace has no \"\(name)\"", at: node,
                hint: NearestName.hint(for: name, in: namespace.members.keys.sorted()))
        }
        let value: Value?
        do throws(Faults) { value = try optional(base) } catch { return error }
        guard let value else { return undefined(base) }
        let path = NameCollector.path(of: node)?.joined(separator: ".")
        guard case .map(let map) = value else {
            return fault(
                "undefined-name",
                "\"\(path ?? name)\" is undefined: \(value.kindText) has no members", at: node)
        }
        return fault(
            "undefined-name", "\"\(path ?? name)\" is undefined", at: node,
            hint: NearestName.hint(for: name, in: map.keys)
                ?? (map.keys.count <= 12 && !map.isEmpty
                    ? "it has \(map.keys.joined(separator: ", "))" : nil))
    }
}

/// Names of methods of Python's own types, for which Jinja2 returns the method.
enum PythonNames {
    static let ofMaps: Set<String> = [
        "clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault",
        "update", "values",
    ]

    /// The names for strings, lists, numbers and booleans together.
    static let ofOthers: Set<String> = [
        "append", "as_integer_ratio", "bit_count", "bit_length", "capitalize", "casefold", "center",
        "clear", "conjugate", "copy", "count", "denominator", "encode", "endswith", "expandtabs",
        "extend", "find", "format", "format_map", "from_bytes", "fromhex", "hex", "imag", "index",
        "insert", "is_integer", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit",
        "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper",
        "join", "ljust", "lower", "lstrip", "maketrans", "numerator", "partition", "pop", "real",
        "remove", "removeprefix", "removesuffix", "replace", "reverse", "rfind", "rindex", "rjust",
        "rpartition", "rsplit", "rstrip", "sort", "split", "splitlines", "startswith", "step",
        "start", "stop", "strip", "swapcase", "title", "to_bytes", "translate", "upper", "zfill",
    ]
}
