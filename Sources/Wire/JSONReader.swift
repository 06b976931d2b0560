extension JSON {
    /// Reads one JSON text (RFC 8259), strictly.
    ///
    /// Refused: duplicate keys, anything after the value, nesting deeper than 128, lone surrogates,
    /// text that is not UTF-8, integers beyond 64 bits.
    package init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
        var reader = JSONReader(bytes: Array(bytes))
        self = try reader.document()
    }

    /// Reads one JSON text from a string.
    package init(parsing text: String) throws(JSONError) { try self.init(parsing: text.utf8) }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    private let depthLimit = 128

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        if position < bytes.count { throw fault("text after the end of the value") }
        return value
    }

    private func fault(_ message: String) -> JSONError { JSONError(message, offset: position) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        if depth > depthLimit { throw fault("nested deeper than \(depthLimit)") }
        skipSpace()
        guard let byte = next else { throw fault("the text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: String, _ value: JSON) throws(JSONError) -> JSON {
        for byte in text.utf8 {
            guard next == byte else { throw fault("unknown word") }
            position += 1
        }
        return value
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(elements) }
            if !take(",") { throw fault("expected , or ]") }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        position += 1
        var members: [String: JSON] = [:]
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("expected a key") }
            let start = position
            let key = try string()
            skipSpace()
            if !take(":") { throw fault("expected :") }
            let value = try value(depth: depth + 1)
            if members.updateValue(value, forKey: key) != nil {
                position = start
                throw fault("duplicate key \"\(key)\"")
            }
            skipSpace()
            if take("}") { return .object(members) }
            if !take(",") { throw fault("expected , or }") }
        }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        // Most strings have no escape: their bytes are copied unchanged, in one piece.
        let start = position
        while let byte = next, byte >= 32, byte != 34, byte != 92 { position += 1 }
        var content: [UInt8] = []
        if next == 34 {
            guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
                position += 1
                throw fault("text that is not UTF-8")
            }
            position += 1
            return text
        }
        content += bytes[start..<position]
        while let byte = next {
            position += 1
            switch byte {
            case 34:
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw fault("text that is not UTF-8")
                }
                return text
            case 92: try escape(into: &content)
            case 0..<32: throw fault("control character in a string")
            default: content.append(byte)
            }
        }
        throw fault("the text ends inside a string")
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw fault("the text ends inside a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): content.append(10)
        case UInt8(ascii: "t"): content.append(9)
        case UInt8(ascii: "r"): content.append(13)
        case UInt8(ascii: "b"): content.append(8)
        case UInt8(ascii: "f"): content.append(12)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "u"): content.append(contentsOf: Array(String(try unicode()).utf8))
        default: throw fault("unknown escape")
        }
    }

    private mutating func unicode() throws(JSONError) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // A high surrogate must be followed by the escape of a low one.
        guard first < 0xDC00, take("\\"), take("u") else { throw fault("lone surrogate") }
        let second = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw fault("lone surrogate") }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count,
            let value = UInt32(
                String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16),
            bytes[position] != UInt8(ascii: "+"), bytes[position] != UInt8(ascii: "-")
        else { throw fault("expected four hexadecimal digits") }
        position += 4
        return value
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        var isInteger = true
        _ = take("-")
        if take("0") {
            if let byte = next, (48...57).contains(byte) { throw fault("leading zero") }
        } else {
            try digits()
        }
        if take(".") {
            isInteger = false
            try digits()
        }
        if let byte = next, byte | 32 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if !take("+") { _ = take("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger {
            guard let value = Int(text) else { throw fault("integer beyond 64 bits") }
            return .integer(value)
        }
        guard let value = Double(text), value.isFinite else { throw fault("number out of range") }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte = next, (48...57).contains(byte) { position += 1 }
        if position == start { throw fault("expected a value") }
    }
}
