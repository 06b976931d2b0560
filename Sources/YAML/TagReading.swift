import Diagnostics
import Values

/// The value of a scalar according to its tag.
struct TagReading {
    private static let yamlPrefix = "tag:yaml.org,2002:"
    private static let known = [
        "!vault", "!unsafe", "!!str", "!!int", "!!float", "!!bool", "!!null",
    ]

    let text: String
    let tag: String?
    /// The reading; nil if the text is not valid for the tag.
    let reading: Value?

    init(text: String, style: Scalar.Style, tag: String?) {
        self.text = text
        self.tag = tag
        reading =
            switch tag {
            case nil, "!unsafe":
                style == .plain ? ScalarReading.of(plain: text) : .string(text)
            default: Self.reading(text, tag ?? "")
            }
    }

    private static func reading(_ text: String, _ tag: String) -> Value? {
        switch tag {
        case "!", "!vault", "!vault-encrypted", yamlPrefix + "str": return .string(text)
        case yamlPrefix + "null": return ScalarReading.word(text) == .null ? .null : nil
        case yamlPrefix + "bool":
            if case .bool(let value)? = ScalarReading.word(text) { return .bool(value) }
            return nil
        case yamlPrefix + "int":
            if case .integer(let value)? = ScalarReading.of(plain: text) { return .integer(value) }
            return nil
        case yamlPrefix + "float":
            switch ScalarReading.of(plain: text) {
            case .number(let value): return .number(value)
            case .integer(let value): return .number(Double(value))
            default: return nil
            }
        case yamlPrefix + "timestamp":
            var text = text
            return text.withUTF8 { Timestamp($0).map { .string($0.isoText) } }
        default: return nil
        }
    }

    /// The tag that the node keeps: only a tag that changes the meaning.
    var keptTag: String? { Self.kept(tag) }

    static func kept(_ tag: String?) -> String? {
        switch tag {
        case "!vault", "!vault-encrypted": "!vault"
        case "!unsafe": "!unsafe"
        default: nil
        }
    }

    /// The fault of a scalar that has no reading.
    func fault(at place: Place) -> Diagnostic? {
        guard reading == nil else { return nil }
        guard let tag, tag != "!unsafe" else {
            return Diagnostic(
                "integer-range", "the integer \(text.prefix(40)) does not fit in 64 bits",
                at: place,
                hint: "quote it if it is meant as text")
        }
        let short = Self.short(tag)
        if Self.known.contains(short) || tag == Self.yamlPrefix + "timestamp" {
            return Diagnostic(
                "yaml-tag", "\"\(text.prefix(40))\" is not a value of the tag \(short)", at: place,
                hint: "remove the tag or correct the value")
        }
        return Self.unknown(tag, at: place)
    }

    /// The fault of a list (`seq`) or map with a tag that does not fit it.
    static func fault(ofCollection tag: String?, _ kind: String, at place: Place) -> Diagnostic? {
        guard let tag, !["!", "!unsafe", yamlPrefix + kind].contains(tag) else { return nil }
        if tag == "!vault" || tag == "!vault-encrypted" {
            return Diagnostic(
                "yaml-tag", "\(tag) needs a text", at: place,
                hint: "give the encrypted text as a block: !vault |")
        }
        return unknown(tag, at: place)
    }

    private static func short(_ tag: String) -> String {
        tag.hasPrefix(yamlPrefix) ? "!!" + tag.dropFirst(yamlPrefix.count) : tag
    }

    private static func unknown(_ tag: String, at place: Place) -> Diagnostic {
        let short = short(tag)
        if tag.hasPrefix(yamlPrefix) {
            return Diagnostic(
                "yaml-tag", "the tag \(short) is not supported", at: place,
                hint: "remove it and write a plain list, map or text")
        }
        return Diagnostic(
            "yaml-tag", "the tag \(short) is unknown", at: place,
            cause: "a value that starts with ! is read as a tag",
            hint: NearestName.hint(for: short, in: known)
                ?? "quote the whole value if the ! is meant literally")
    }
}
