import Wire

extension ValueType {
    /// The type as a role.yaml or the reference names it: `integer`, `list of path`.
    package var name: String {
        switch self {
        case .string: "string"
        case .integer: "integer"
        case .number: "number"
        case .boolean: "boolean"
        case .list(let element): "list of \(element.name)"
        case .map(let element): "map of \(element.name)"
        case .oneOf(let names): "one of \(names.joined(separator: ", "))"
        case .cpuList: "cpu_list"
        case .size: "size"
        case .duration: "duration"
        case .path: "path"
        case .mode: "mode"
        case .version: "version"
        case .secret: "secret"
        case .any: "anything"
        }
    }

    /// The type with its article, for messages: `an integer`, `one of present, absent`.
    package var described: String {
        switch self {
        case .integer: "an \(name)"
        case .oneOf, .any: name
        default: "a \(name)"
        }
    }

    /// Converts a typed value from a variable, an expression or JSON to the type's normal form.
    ///
    /// Text is read like a quoted YAML scalar, and an integer is accepted as text. Ambiguous values
    /// are refused: a boolean, null, list or map as text; a number as a version, because 1.10 would
    /// already have become 1.1; text as a boolean.
    package func normalise(_ json: JSON) throws(ValueFault) -> JSON {
        switch (self, json) {
        case (.any, _): return json
        case (.list(let element), .array(let values)):
            var all: [JSON] = []
            for (index, value) in values.enumerated() {
                all.append(try element.normalise(value, within: "element \(index + 1)"))
            }
            return .array(all)
        case (.map(let element), .object(let members)):
            var all: [String: JSON] = [:]
            for key in members.keys.sorted() {
                all[key] = try element.normalise(members[key] ?? .null, within: "member \"\(key)\"")
            }
            return .object(all)
        case (.cpuList, .array(let elements)):
            let items = elements.map { $0.string ?? $0.integer.map(String.init) }
            guard !items.contains(nil) else { throw mismatch(json) }
            return try read(text: items.compactMap { $0 }.joined(separator: ","), isQuoted: true)
        case (.secret, .object(let members)):
            guard members.count == 1, let text = members["secret"]?.string, Digest(text) != nil
            else { throw mismatch(json) }
            return json
        case (.boolean, .bool): return json
        case (_, .string(let text)): return try read(text: text, isQuoted: true)
        case (.mode, .integer(let value)):
            throw ValueFault(
                "the number \(value) is not a mode", hint: "write it as quoted octal: \"0644\"")
        case (.string, .integer(let value)), (.version, .integer(let value)),
            (.cpuList, .integer(let value)), (.size, .integer(let value)),
            (.duration, .integer(let value)), (.integer, .integer(let value)),
            (.number, .integer(let value)), (.oneOf, .integer(let value)):
            return try read(text: String(value), isQuoted: true)
        case (.duration, .number(let value)) where value > 0 && value < 1e-3:
            // Swift prints such small numbers with an exponent, which durations do not allow.
            return try read(text: "\(value * 1e9)ns", isQuoted: true)
        case (.string, .number(let value)), (.number, .number(let value)),
            (.duration, .number(let value)), (.oneOf, .number(let value)):
            return try read(text: "\(value)", isQuoted: true)
        case (.version, .number(let value)):
            throw ValueFault(
                "the number \(value) is not a version",
                hint: "quote the version in its file: without quotes, 1.10 becomes 1.1")
        default: throw mismatch(json)
        }
    }

    /// Converts the text of a YAML scalar to the type's normal form.
    ///
    /// `isQuoted` is true for quoted scalars and block scalars. An unquoted empty scalar, `~` or
    /// `null` is null, which only `any` accepts. A secret becomes the digest of its UTF-8 bytes,
    /// and the caller keeps the bytes. For `any` the value is the text itself; the caller decides
    /// what type YAML gives the scalar.
    package func read(text: String, isQuoted: Bool) throws(ValueFault) -> JSON {
        if self == .any { return .string(text) }
        if !isQuoted && ["", "~", "null", "Null", "NULL"].contains(text) {
            throw ValueFault(
                "null is not \(described)",
                hint: isText ? "if you mean the text, quote it: \"\(text)\"" : "give a value")
        }
        if text.utf8.contains(0) {
            throw ValueFault("text with a NUL character is not \(described)")
        }
        switch self {
        case .string: return .string(text)
        case .integer(let minimum, let maximum):
            return .integer(try ScalarText.integer(text, minimum: minimum, maximum: maximum))
        case .number: return try ScalarText.number(text)
        case .boolean: return .bool(try ScalarText.boolean(text, isQuoted: isQuoted))
        case .list, .map: throw mismatch(.string(text))
        case .oneOf(let names):
            guard names.contains(text) else {
                throw ValueFault("\(ScalarText.shown(text)) is not \(described)")
            }
            return .string(text)
        case .cpuList: return .string(try CPUList(parsing: text).text)
        case .size: return .integer(try ScalarText.size(text))
        case .duration: return try ScalarText.duration(text)
        case .path: return .string(try ScalarText.path(text))
        case .mode: return .string(try ScalarText.mode(text, isQuoted: isQuoted))
        case .version: return .string(try ScalarText.version(text))
        case .secret: return ["secret": .string(Digest(of: text.utf8).description)]
        case .any: return .string(text)
        }
    }

    private var isText: Bool {
        switch self {
        case .string, .oneOf, .version, .secret: true
        default: false
        }
    }

    private func normalise(_ value: JSON, within part: String) throws(ValueFault) -> JSON {
        do {
            return try normalise(value)
        } catch {
            throw ValueFault("\(part): \(error.message)", hint: error.hint)
        }
    }

    /// The fault for a value of another type.
    private func mismatch(_ json: JSON) -> ValueFault {
        switch (self, json) {
        case (_, .null): return ValueFault("null is not \(described)", hint: "give a value")
        case (.list, .string(let text)):
            return ValueFault(
                "\(ScalarText.shown(text)) is not \(described)", hint: "write a list: [\(text)]")
        case (_, .bool(let value)) where isText:
            return ValueFault(
                "the boolean \(value) is not \(described)",
                hint:
                    "if you mean the text, quote it: an unquoted yes, no, on or off is a boolean")
        default: return ValueFault("\(ScalarText.shown(json)) is not \(described)")
        }
    }
}
