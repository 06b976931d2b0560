import Diagnostics
import Kinds
import Templates
import Values
import Wire
import YAML

/// Converts values to the declared types of role parameters and attributes.
///
/// YAML scalars are read by their text (the string `on` is `on`, the version 1.10 is 1.10), and
/// computed values are converted. Secrets stay secret and never occur in a message.
enum TypedReading {
    /// The typed value of a source; null stays null, because the caller decides if it is allowed.
    ///
    /// `what` names the value in faults: `swappiness of the role low_latency`.
    static func value(
        of source: ValueSource, as type: ValueType, what: String, in context: TemplateContext
    ) throws(Faults) -> Value {
        if source.isNull { return .null }
        switch (source.content, type) {
        case (_, .any): return try source.evaluate(context)
        case (.template(let template, _), _):
            let value = try template.evaluate(context)
            if case .number = value.revealed, type.isText {
                let text = try template.render(context)
                return try convert(text.value, to: type, what: what, at: source)
            }
            return try convert(value, to: type, what: what, at: source)
        case (.scalar(let scalar), _):
            if type == .secret { return .secret(.string(scalar.text)) }
            do {
                return Value(try type.read(text: scalar.text, isQuoted: !scalar.isPlain))
            } catch {
                throw fault(error, what: what, at: source)
            }
        case (.list(let sources), .list(let element)):
            var faults = DiagnosticBag()
            var elements: [Value] = []
            for (index, source) in sources.enumerated() {
                do {
                    elements.append(
                        try value(
                            of: source, as: element, what: "element \(index + 1) of \(what)",
                            in: context))
                    if elements.last == .null {
                        faults.add(nullFault(element, "element \(index + 1) of \(what)", source))
                    }
                } catch {
                    faults.add(error)
                }
            }
            try faults.throwIfErrors()
            return .list(elements)
        case (.map(let members), .map(let element)):
            var faults = DiagnosticBag()
            var map = ValueMap()
            for (key, source) in members {
                do {
                    let member = "\"\(key)\" of \(what)"
                    map[key] = try value(of: source, as: element, what: member, in: context)
                    if map[key] == .null { faults.add(nullFault(element, member, source)) }
                } catch {
                    faults.add(error)
                }
            }
            try faults.throwIfErrors()
            return .map(map)
        case (.list, _):
            throw fault(ValueFault("a list is not \(type.described)"), what: what, at: source)
        case (.map, _):
            throw fault(ValueFault("a map is not \(type.described)"), what: what, at: source)
        }
    }

    /// Converts a computed value to a type.
    static func convert(
        _ value: Value, to type: ValueType, what: String, at source: ValueSource
    ) throws(Faults) -> Value {
        switch (value, type) {
        case (.null, _), (_, .any): return value
        case (.secret(let inner), .secret):
            return .secret(try text(of: inner, what: what, at: source))
        case (.secret(let inner), _):
            do {
                return .secret(try convert(inner, to: type, what: what, at: source))
            } catch {
                // The original message might reveal the secret.
                throw fault(
                    ValueFault("the secret value is not \(type.described)"), what: what,
                    at: source)
            }
        case (_, .secret): return .secret(try text(of: value, what: what, at: source))
        case (.list(let values), .list(let element)):
            var elements: [Value] = []
            for (index, value) in values.enumerated() {
                let what = "element \(index + 1) of \(what)"
                let converted = try convert(value, to: element, what: what, at: source)
                if converted == .null { throw Faults(nullFault(element, what, source)) }
                elements.append(converted)
            }
            return .list(elements)
        case (.map(let map), .map(let element)):
            var members = ValueMap()
            for (key, value) in map.pairs {
                let what = "\"\(key)\" of \(what)"
                let converted = try convert(value, to: element, what: what, at: source)
                if converted == .null { throw Faults(nullFault(element, what, source)) }
                members[key] = converted
            }
            return .map(members)
        default:
            do {
                return Value(try type.normalise(value.json))
            } catch {
                throw fault(error, what: what, at: source)
            }
        }
    }

    /// The text of a secret value, which messages must not contain.
    private static func text(
        of value: Value, what: String, at source: ValueSource
    ) throws(Faults) -> Value {
        switch value.revealed {
        case .string(let text): return .string(text)
        case .integer(let number): return .string(String(number))
        case let other:
            throw fault(
                ValueFault("\(other.kindText) is not a secret", hint: "a secret must be a string"),
                what: what, at: source)
        }
    }

    private static func fault(
        _ fault: ValueFault, what: String, at source: ValueSource
    ) -> Faults {
        Faults(
            Diagnostic(
                "wrong-type", "\(what): \(fault.message)", at: source.place, hint: fault.hint))
    }

    private static func nullFault(
        _ type: ValueType, _ what: String, _ source: ValueSource
    ) -> Diagnostic {
        Diagnostic("wrong-type", "\(what): null is not \(type.described)", at: source.place)
    }
}

extension ValueType {
    /// Whether the type is a secret or contains secrets.
    var holdsSecret: Bool {
        switch self {
        case .secret: true
        case .list(let element), .map(let element): element.holdsSecret
        default: false
        }
    }

    /// Whether the normal form is text, so that a computed number becomes its digits.
    var isText: Bool {
        switch self {
        case .string, .oneOf, .cpuList, .path, .mode, .version, .secret: true
        default: false
        }
    }
}
