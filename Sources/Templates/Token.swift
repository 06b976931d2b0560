/// One token of an expression or a tag, with its offsets.
struct Token {
    enum Kind: Equatable {
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        case symbol(String)
    }

    let kind: Kind
    let start: Int
    let end: Int

    /// The token's name in a fault.
    var text: String {
        switch kind {
        case .name(let name): "\"\(name)\""
        case .string: "a string"
        case .integer(let value): "\"\(value)\""
        case .float: "a number"
        case .symbol(let symbol): "\"\(symbol)\""
        }
    }
}

/// A piece of a template: literal text, or the content between delimiters.
enum Segment {
    case text(String)
    case output(TagContent)
    case tag(TagContent)
}

/// The tokens between two delimiters.
struct TagContent {
    var tokens: [Token]
    /// The offsets of the whole tag, including its delimiters.
    var start: Int
    var end: Int
    /// Whether a fault in the tag was already reported; `tokens` holds those before it.
    var isBroken = false
}
