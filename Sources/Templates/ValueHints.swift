import Values

/// Hints on what to write instead of a value of the wrong kind.
enum ValueHints {
    /// The hint for a value spliced into text.
    static func splice(_ value: Value) -> String? {
        switch value {
        case .bool: "write \"| lower\" for true and false, or 'yes' if … else 'no'"
        case .null: "give it a value: | default('…', true)"
        case .list: "write \"| join(' ')\" or \"| tojson\""
        case .map: "name the member you want, or write \"| tojson\""
        default: nil
        }
    }

    /// The hint for a value used as a condition.
    static func condition(_ value: Value) -> String? {
        switch value {
        case .string: "compare it: == '…', or for yes and no write \"| bool\""
        case .integer, .number: "compare it: != 0"
        case .null: "ask \"is not none\""
        case .list, .map: "ask for \"| length > 0\""
        default: nil
        }
    }
}
