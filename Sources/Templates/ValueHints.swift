import Values

/// What to write instead, where a value of the wrong kind was met.
enum ValueHints {
    /// For a value spliced into text.
    static func splice(_ value: Value) -> String? {
        switch value {
        case .bool: "write \"| lower\" for true and false, or 'yes' if … else 'no'"
        case .null: "give it a value: | default('…', true)"
        case .list: "write \"| join(' ')\" or \"| tojson\""
        case .map: "name the member you want, or write \"| tojson\""
        default: nil
        }
    }

    /// For a value used as a condition.
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
