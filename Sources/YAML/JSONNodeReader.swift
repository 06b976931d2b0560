import Diagnostics
import Values
import Wire

extension YAMLReader {
    /// Reads a file of variables or an inventory: as JSON if the whole text is JSON, otherwise as
    /// YAML.
    ///
    /// As in Ansible: in a text that is JSON, JSON's own rules for numbers apply (`1e3` is a
    /// number).
    package static func parseVariables(_ source: SourceText) throws(Faults) -> Node? {
        let first = source.text.utf8.first { ![9, 10, 13, 32].contains($0) }
        if first == UInt8(ascii: "{"), (try? JSON(parsing: source.text)) != nil {
            return try parseJSON(source)
        }
        return try parse(source)
    }

    /// Reads a JSON text (RFC 8259) into nodes with places.
    ///
    /// A map whose only key is `__ansible_vault` or `__ansible_unsafe` becomes a text with that tag,
    /// as Ansible marks such texts in JSON.
    package static func parseJSON(_ source: SourceText) throws(Faults) -> Node {
        var reader = JSONNodeReader(source)
        do {
            return try reader.document()
        } catch {
            throw Faults(reader.diagnostic(error))
        }
    }
}

/// A strict JSON reader that tracks places.
private struct JSONNodeReader {
    struct Fault: Error {
        let text: String
        let place: Place
        var related: Diagnostic.Related?
    }

    private let source: SourceText
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var line = 1
    private var lineStart = 0
    private let depthLimit = YAMLLimits().depth

    init(_ source: SourceText) {
        self.source = source
        scalars = Array(source.text.unicodeScalars)
    }

    func diagnostic(_ fault: Fault) -> Diagnostic {
        Diagnostic(
            "json-syntax", fault.text, at: fault.place, related: fault.related.map { [$0] } ?? [])
    }

    mutating func document() throws(Fault) -> Node {
        let node = try value(depth: 0)
        skipSpace()
        if next != nil { throw fault("text after the end of the JSON value") }
        return node
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }
    private func place(length: Int = 1) -> Place {
        Place(source: source, line: line, column: index - lineStart + 1, length: length)
    }
    private func fault(_ text: String) -> Fault { Fault(text: text, place: place()) }

    private mutating func skipSpace() {
        while let scalar = next, scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t"
        {
            index += 1
            if scalar == "\n" {
                line += 1
                lineStart = index
            }
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(Fault) -> Node {
        skipSpace()
        if depth > depthLimit { throw fault("nested deeper than \(depthLimit) lists and maps") }
        switch next {
        case "{": return try map(depth: depth)
        case "[": return try list(depth: depth)
        case "\"":
            let start = place()
            let column = index
            let text = try string()
            return Node(
                .scalar(Scalar(text: text, style: .doubleQuoted, reading: .string(text))),
                at: Place(
                    source: source, line: start.line, column: start.column, length: index - column))
        case nil: throw fault("the text ends where a JSON value should be")
        default: return try word()
        }
    }

    private mutating func list(depth: Int) throws(Fault) -> Node {
        let start = place()
        index += 1
        var nodes: [Node] = []
        skipSpace()
        if take("]") { return Node(.list(nodes), at: start) }
        while true {
            nodes.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return Node(.list(nodes), at: start) }
            if !take(",") { throw fault("a , or ] is expected here") }
        }
    }

    private mutating func map(depth: Int) throws(Fault) -> Node {
        let start = place()
        index += 1
        var entries: [Node.Entry] = []
        var places: [String: Place] = [:]
        skipSpace()
        if take("}") { return Node(.map(entries), at: start) }
        while true {
            skipSpace()
            guard next == "\"" else { throw fault("a key in double quotes is expected here") }
            let key = try value(depth: depth + 1)
            if let first = places.updateValue(key.place, forKey: key.text ?? "") {
                throw Fault(
                    text: "the key \"\(key.text ?? "")\" is given twice", place: key.place,
                    related: .init(first, "first given here"))
            }
            skipSpace()
            if !take(":") { throw fault("a : is expected here") }
            entries.append(Node.Entry(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return Self.tagged(entries, at: start) }
            if !take(",") { throw fault("a , or } is expected here") }
        }
    }

    private static func tagged(_ entries: [Node.Entry], at place: Place) -> Node {
        if entries.count == 1, case .string? = entries[0].value.scalar?.reading {
            let content = entries[0].value.content
            switch entries[0].key.text {
            case "__ansible_vault": return Node(content, at: place, tag: "!vault")
            case "__ansible_unsafe": return Node(content, at: place, tag: "!unsafe")
            default: break
            }
        }
        return Node(.map(entries), at: place)
    }

    private mutating func string() throws(Fault) -> String {
        index += 1
        var text = String.UnicodeScalarView()
        while let scalar = next {
            index += 1
            switch scalar {
            case "\"": return String(text)
            case "\\": text.append(try escape())
            case _ where scalar.value < 32:
                index -= 1
                throw fault("a control character in a text")
            default: text.append(scalar)
            }
        }
        throw fault("the text ends inside of quotes")
    }

    private mutating func escape() throws(Fault) -> Unicode.Scalar {
        guard let scalar = next else { throw fault("the text ends inside of quotes") }
        index += 1
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "\"", "\\", "/": return scalar
        case "u":
            let first = try hexadecimal()
            if let scalar = Unicode.Scalar(first) { return scalar }
            guard first < 0xDC00, take("\\"), take("u"), let low = try? hexadecimal(),
                (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00))
            else { throw fault("half of a surrogate pair") }
            return scalar
        default:
            index -= 1
            throw fault("an escape that JSON does not know")
        }
    }

    private mutating func hexadecimal() throws(Fault) -> UInt32 {
        let digits = scalars[index..<min(index + 4, scalars.count)]
        guard digits.count == 4, digits.allSatisfy(\.properties.isASCIIHexDigit),
            let value = UInt32(digits.map(String.init).joined(), radix: 16)
        else { throw fault("four hexadecimal digits are expected here") }
        index += 4
        return value
    }

    /// `true`, `false`, `null` or a number.
    private mutating func word() throws(Fault) -> Node {
        let start = index
        let place = place()
        while let scalar = next,
            scalar.properties.isAlphabetic || "+-.0123456789".unicodeScalars.contains(scalar)
        {
            index += 1
        }
        let text = scalars[start..<index].map(String.init).joined()
        let whole = Place(
            source: source, line: place.line, column: place.column, length: index - start)
        do {
            let json = try JSON(parsing: text)
            return Node(
                .scalar(Scalar(text: text, style: .plain, reading: Value(json))), at: whole)
        } catch {
            throw Fault(
                text: text.isEmpty
                    ? "no JSON value can start here"
                    : "\(text) is not a JSON value: \(error.message)",
                place: whole)
        }
    }
}
