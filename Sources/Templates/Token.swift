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

    /// As it is named in a fault.
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

/// A piece of a template: text as it stands, or what was between the delimiters.
enum Segment {
    case text(String)
    case output(TagContent)
    case tag(TagContent)
}

/// The tokens between two delimiters.
struct TagContent {
    var tokens: [Token]
    /// The offsets of the whole, delimiters included.
    var start: Int
    var end: Int
    /// Whether a fault in it was already reported; the tokens are those before it.
    var isBroken = false
}
