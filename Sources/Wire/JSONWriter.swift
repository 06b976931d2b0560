extension JSON {
    /// The canonical text: members sorted by the bytes of their keys, no white space.
    ///
    /// Equal values give equal bytes, so the text can be hashed and compared.
    package var canonicalBytes: [UInt8] {
        var writer = JSONWriter(indented: false)
        writer.write(self, depth: 0)
        return writer.bytes
    }

    /// Members in canonical text and order, without the braces around them: `"a":1,"b":2`.
    ///
    /// For parts of an object that are joined later; empty if there are no members.
    package static func canonicalMembers(
        _ members: [(key: String, value: JSON)]
    ) -> [UInt8] {
        var writer = JSONWriter(indented: false)
        writer.write(members.sorted(by: JSONWriter.precedes), depth: 0)
        return writer.bytes
    }

    /// The canonical text as a string.
    package var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }

    /// The same members in the same order, indented by four spaces for people.
    package var indentedText: String {
        var writer = JSONWriter(indented: true)
        writer.write(self, depth: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

private struct JSONWriter {
    var bytes: [UInt8] = []
    let indented: Bool

    init(indented: Bool) { self.indented = indented }

    mutating func write(_ value: JSON, depth: Int) {
        switch value {
        case .null: text("null")
        case .bool(let value): text(value ? "true" : "false")
        case .integer(let value): text(String(value))
        case .number(let value): text(Self.text(of: value))
        case .string(let value): string(value)
        case .array(let elements):
            list(open: "[", close: "]", count: elements.count, depth: depth) { writer, index in
                writer.write(elements[index], depth: depth + 1)
            }
        case .object(let members):
            // Pairs are sorted instead of keys: looking up each key again would cost a hash.
            let sorted = members.sorted(by: Self.precedes)
            list(open: "{", close: "}", count: sorted.count, depth: depth) { writer, index in
                writer.write(sorted[index], depth: depth)
            }
        }
    }

    mutating func write(_ members: [(key: String, value: JSON)], depth: Int) {
        for index in members.indices {
            if index > 0 { text(",") }
            write(members[index], depth: depth)
        }
    }

    private mutating func write(_ member: (key: String, value: JSON), depth: Int) {
        string(member.key)
        text(indented ? ": " : ":")
        write(member.value, depth: depth + 1)
    }

    static func precedes(_ a: (key: String, value: JSON), _ b: (key: String, value: JSON)) -> Bool {
        a.key.utf8.lexicographicallyPrecedes(b.key.utf8)
    }

    private mutating func list(
        open: String, close: String, count: Int, depth: Int,
        _ element: (inout JSONWriter, Int) -> Void
    ) {
        text(open)
        for index in 0..<count {
            if index > 0 { text(",") }
            newline(depth + 1)
            element(&self, index)
        }
        if count > 0 { newline(depth) }
        text(close)
    }

    private mutating func newline(_ depth: Int) {
        guard indented else { return }
        bytes.append(10)
        bytes.append(contentsOf: repeatElement(32, count: depth * 4))
    }

    private mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func string(_ value: String) {
        bytes.append(34)
        defer { bytes.append(34) }
        // Most text needs no escape and is copied as a whole.
        if value.utf8.allSatisfy({ $0 >= 32 && $0 != 34 && $0 != 92 && $0 != 127 }) {
            return text(value)
        }
        for byte in value.utf8 {
            switch byte {
            case 34, 92: bytes.append(contentsOf: [92, byte])
            case 10: text("\\n")
            case 13: text("\\r")
            case 9: text("\\t")
            case 0..<32, 127:
                let digits = Array("0123456789abcdef".utf8)
                text("\\u00")
                bytes.append(contentsOf: [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
            default: bytes.append(byte)
            }
        }
    }

    /// The shortest text that reads back as the same number.
    ///
    /// JSON has no infinities: they become null.
    private static func text(of value: Double) -> String {
        value.isFinite ? "\(value)" : "null"
    }
}
