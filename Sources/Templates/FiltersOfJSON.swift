import Diagnostics
import Values

extension Filter {
    static let json: [Filter] = [
        Filter("tojson", Signature(["indent"])) { (call) throws(Faults) in
            var style = PythonJSON.Style()
            style.sortsKeys = true
            style.escapesMarkup = true
            style.indent = try call.integer(0)
            return .string(try PythonJSON.text(call.value, style, call))
        },
        Filter("to_json", Signature(["indent", "sort_keys"])) { (call) throws(Faults) in
            var style = PythonJSON.Style()
            style.indent = try call.integer(0)
            style.sortsKeys = try call.bool(1)
            return .string(try PythonJSON.text(call.value, style, call))
        },
        Filter("to_nice_json", Signature(["indent", "sort_keys"])) { (call) throws(Faults) in
            var style = PythonJSON.Style()
            style.indent = try call.integer(0) ?? 4
            style.sortsKeys = try call.bool(1, default: true)
            return .string(try PythonJSON.text(call.value, style, call))
        },
    ]
}

/// JSON as Python's `json.dumps` writes it.
enum PythonJSON {
    struct Style {
        var indent: Int?
        var sortsKeys = false
        /// `<`, `>`, `&` and `'` as escapes: Jinja2's own filter writes for HTML.
        var escapesMarkup = false
    }

    static func text(_ value: Value, _ style: Style, _ call: Call) throws(Faults) -> String {
        if let indent = style.indent, !(0...64).contains(indent) {
            throw call.fault("an indent outside of 0 to 64")
        }
        var result = ""
        write(value, style, depth: 0, &result)
        try call.evaluator.check(size: result.utf8.count, call.node)
        return result
    }

    private static func write(_ value: Value, _ style: Style, depth: Int, _ out: inout String) {
        switch value {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .integer(let number): out += String(number)
        case .number(let number): out += PythonNumber.text(number)
        case .string(let text): write(text, style, &out)
        case .secret(let inner): write(inner, style, depth: depth, &out)
        case .list(let elements):
            if elements.isEmpty {
                out += "[]"
                return
            }
            out += "["
            for (index, element) in elements.enumerated() {
                separate(index, style, depth + 1, &out)
                write(element, style, depth: depth + 1, &out)
            }
            close(style, depth, &out)
            out += "]"
        case .map(let map):
            if map.isEmpty {
                out += "{}"
                return
            }
            out += "{"
            var pairs = map.pairs
            if style.sortsKeys { pairs.sort { PythonText.precedes($0.key, $1.key) } }
            for (index, pair) in pairs.enumerated() {
                separate(index, style, depth + 1, &out)
                write(pair.key, style, &out)
                out += ": "
                write(pair.value, style, depth: depth + 1, &out)
            }
            close(style, depth, &out)
            out += "}"
        }
    }

    private static func separate(_ index: Int, _ style: Style, _ depth: Int, _ out: inout String) {
        guard let indent = style.indent else {
            if index > 0 { out += ", " }
            return
        }
        out += index > 0 ? ",\n" : "\n"
        out += String(repeating: " ", count: indent * depth)
    }

    private static func close(_ style: Style, _ depth: Int, _ out: inout String) {
        guard let indent = style.indent else { return }
        out += "\n" + String(repeating: " ", count: indent * depth)
    }

    private static func write(_ text: String, _ style: Style, _ out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{8}": out += "\\b"
            case "\u{c}": out += "\\f"
            case "<", ">", "&", "'":
                if style.escapesMarkup {
                    escape(UInt16(scalar.value), &out)
                } else {
                    out.unicodeScalars.append(scalar)
                }
            default:
                if scalar.value >= 0x20, scalar.value < 0x7F {
                    out.unicodeScalars.append(scalar)
                } else {
                    for unit in String(scalar).utf16 { escape(unit, &out) }
                }
            }
        }
        out += "\""
    }

    private static func escape(_ unit: UInt16, _ out: inout String) {
        let digits = String(unit, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
