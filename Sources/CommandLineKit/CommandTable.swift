/// One option of the command line.
package struct OptionSpec: Sendable, Equatable {
    /// Whether and how the option takes a value.
    package enum Value: Sendable, Equatable {
        case none
        case text(String)
        case integer(String, minimum: Int)
        case oneOf([String])
    }

    /// The long name without its dashes: `fleet`.
    package var name: String
    /// A one-letter form.
    package var letter: Character?
    package var value: Value
    /// Whether it may be given several times, and all values count; if not, that is an error.
    package var isRepeatable: Bool
    /// One line.
    package var summary: String

    package init(
        _ name: String, letter: Character? = nil, _ value: Value, repeatable: Bool = false,
        _ summary: String
    ) {
        self.name = name
        self.letter = letter
        self.value = value
        isRepeatable = repeatable
        self.summary = summary
    }

    /// A flag: an option without a value.
    package init(
        _ name: String, letter: Character? = nil, repeatable: Bool = false, flag summary: String
    ) {
        self.init(name, letter: letter, .none, repeatable: repeatable, summary)
    }

    /// `-i, --inventory PATH`.
    package var usage: String {
        let short = letter.map { "-\($0), " } ?? "    "
        switch value {
        case .none: return "\(short)--\(name)"
        case .text(let placeholder), .integer(let placeholder, _):
            return "\(short)--\(name) \(placeholder)"
        case .oneOf(let choices): return "\(short)--\(name) \(choices.joined(separator: "|"))"
        }
    }
}

/// One positional argument of a verb.
package struct ArgumentSpec: Sendable, Equatable {
    /// The name in the usage line: `PATTERN`.
    package var placeholder: String
    package var isRequired: Bool
    package var isRepeatable: Bool
    package var summary: String

    package init(
        _ placeholder: String, required: Bool = false, repeatable: Bool = false, _ summary: String
    ) {
        self.placeholder = placeholder
        isRequired = required
        isRepeatable = repeatable
        self.summary = summary
    }

    /// `[PATTERN…]`.
    package var usage: String {
        let text = placeholder + (isRepeatable ? "…" : "")
        return isRequired ? text : "[\(text)]"
    }
}

/// One verb: what it does, its arguments and its options.
package struct VerbSpec: Sendable, Equatable {
    package var name: String
    /// One line, a verb in the third person, no full stop.
    package var summary: String
    /// Paragraphs for its help page.
    package var description: [String]
    package var arguments: [ArgumentSpec]
    package var options: [OptionSpec]
    /// Command lines, each with what it does.
    package var examples: [(command: String, does: String)]

    package init(
        _ name: String, _ summary: String, description: [String] = [],
        arguments: [ArgumentSpec] = [], options: [OptionSpec] = [],
        examples: [(command: String, does: String)] = []
    ) {
        self.name = name
        self.summary = summary
        self.description = description
        self.arguments = arguments
        self.options = options
        self.examples = examples
    }

    package static func == (left: VerbSpec, right: VerbSpec) -> Bool {
        left.name == right.name && left.options == right.options
            && left.arguments == right.arguments
    }
}

/// The whole command line as data: the parser and the help are made from it.
package struct ProgramSpec: Sendable {
    package var name: String
    package var version: String
    package var summary: String
    package var verbs: [VerbSpec]
    /// Options that every verb takes.
    package var commonOptions: [OptionSpec]
    /// The exit codes and their meanings, for the help page.
    package var exitCodes: [(code: Int32, meaning: String)]

    package init(
        name: String, version: String, summary: String, verbs: [VerbSpec],
        commonOptions: [OptionSpec], exitCodes: [(code: Int32, meaning: String)]
    ) {
        self.name = name
        self.version = version
        self.summary = summary
        self.verbs = verbs
        self.commonOptions = commonOptions
        self.exitCodes = exitCodes
    }

    /// The verb of that name; nil if there is none.
    package func verb(_ name: String) -> VerbSpec? { verbs.first { $0.name == name } }
}
