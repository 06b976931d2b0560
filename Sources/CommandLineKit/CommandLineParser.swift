import Diagnostics

extension ProgramSpec {
    /// Parses the arguments after the program's name.
    ///
    /// Accepts `--name value`, `--name=value`, `-n value`, `-nvalue`, grouped flags, and `--` to
    /// end the options. Throws a diagnostic with exit code 64 that names the wrong argument.
    package func parse(_ arguments: [String]) throws(Diagnostic) -> ParsedCommandLine {
        var parser = ParserState(program: self, words: arguments[...])
        return try parser.parse()
    }
}

private struct ParserState {
    let program: ProgramSpec
    var words: ArraySlice<String>
    var verb: VerbSpec?
    var arguments: [String] = []
    var options: [String: [String]] = [:]
    var asksHelp = false

    /// The verb `help`, which every program has.
    static let help = VerbSpec("help", "shows help", arguments: [ArgumentSpec("VERB", "a verb")])

    init(program: ProgramSpec, words: ArraySlice<String>) {
        self.program = program
        self.words = words
    }

    var known: [OptionSpec] { (verb?.options ?? []) + program.commonOptions }

    mutating func parse() throws(Diagnostic) -> ParsedCommandLine {
        var optionsEnded = false
        while let word = words.popFirst() {
            if optionsEnded || !word.hasPrefix("-") || word == "-" {
                try take(word)
            } else if word == "--" {
                optionsEnded = true
            } else if word == "--help" || word == "-h" {
                asksHelp = true
            } else if word == "--version", verb == nil {
                return .version
            } else if word.hasPrefix("--") {
                try long(String(word.dropFirst(2)))
            } else {
                try letters(word.dropFirst())
            }
        }
        guard let verb else {
            if asksHelp || options.isEmpty { return .help(verb: nil) }
            throw fault("no verb is given", hint: "see \(program.name) --help")
        }
        if verb.name == "help" {
            guard let name = arguments.first else { return .help(verb: nil) }
            guard program.verb(name) != nil else { throw unknownVerb(name) }
            return .help(verb: name)
        }
        if asksHelp { return .help(verb: verb.name) }
        try checkArguments(of: verb)
        return .run(Invocation(verb: verb.name, arguments: arguments, options: options))
    }

    private mutating func take(_ word: String) throws(Diagnostic) {
        if verb == nil {
            guard let found = word == "help" ? Self.help : program.verb(word) else {
                throw unknownVerb(word)
            }
            verb = found
        } else {
            arguments.append(word)
        }
    }

    private mutating func long(_ text: String) throws(Diagnostic) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = known.first(where: { $0.name == name }) else {
            throw unknownOption("--\(name)", names: known.map(\.name))
        }
        try set(option, attached: parts.count == 2 ? String(parts[1]) : nil, written: "--\(name)")
    }

    private mutating func letters(_ word: Substring) throws(Diagnostic) {
        var rest = word
        while let letter = rest.popFirst() {
            guard let option = known.first(where: { $0.letter == letter }) else {
                throw unknownOption("-\(letter)", names: [])
            }
            if option.value == .none {
                try set(option, attached: nil, written: "-\(letter)")
            } else {
                try set(option, attached: rest.isEmpty ? nil : String(rest), written: "-\(letter)")
                return
            }
        }
    }

    private mutating func set(
        _ option: OptionSpec, attached: String?, written: String
    ) throws(Diagnostic) {
        var value = ""
        if option.value == .none {
            if attached != nil { throw fault("\(written) takes no value") }
        } else {
            guard let given = attached ?? words.popFirst() else {
                throw fault(
                    "\(written) needs a value",
                    hint: option.usage.drop { $0 == " " }.description)
            }
            value = given
        }
        switch option.value {
        case .integer(_, let minimum):
            guard let number = Int(value), number >= minimum else {
                throw fault("\(written) takes an integer of at least \(minimum), not \"\(value)\"")
            }
        case .oneOf(let choices):
            guard choices.contains(value) else {
                throw fault(
                    "\(written) takes one of \(choices.joined(separator: ", ")), not \"\(value)\"",
                    hint: NearestName.hint(for: value, in: choices))
            }
        case .none, .text: break
        }
        if options[option.name] != nil, !option.isRepeatable, option.value != .none {
            throw fault("\(written) is given twice")
        }
        options[option.name, default: []].append(value)
    }

    private func checkArguments(of verb: VerbSpec) throws(Diagnostic) {
        let required = verb.arguments.filter(\.isRequired).count
        if arguments.count < required {
            let missing = verb.arguments.filter(\.isRequired)[arguments.count].placeholder
            throw fault(
                "\(verb.name) needs \(missing)", hint: "usage: \(program.usageLine(of: verb))")
        }
        if !(verb.arguments.last?.isRepeatable ?? false), arguments.count > verb.arguments.count {
            throw fault(
                "\(verb.name) does not take \"\(arguments[verb.arguments.count])\"",
                hint: "usage: \(program.usageLine(of: verb))")
        }
    }

    private func unknownVerb(_ name: String) -> Diagnostic {
        fault(
            "there is no verb \"\(name)\"",
            hint: NearestName.hint(for: name, in: program.verbs.map(\.name))
                ?? "see \(program.name) --help")
    }

    private func unknownOption(_ written: String, names: [String]) -> Diagnostic {
        let nearest = NearestName.of(String(written.drop { $0 == "-" }), in: names)
        let place = verb.map { " for \($0.name)" } ?? ""
        return fault(
            "unknown option \(written)\(place)",
            hint: nearest.map { "did you mean --\($0)?" }
                ?? "see \(program.name) \(verb.map { $0.name + " " } ?? "")--help")
    }

    private func fault(_ summary: String, hint: String? = nil) -> Diagnostic {
        Diagnostic("usage", summary, hint: hint, exitCode: .usage)
    }
}
