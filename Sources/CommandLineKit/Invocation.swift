/// A command line after parsing.
package struct Invocation: Sendable, Equatable {
    package var verb: String
    package var arguments: [String]
    /// Values by the option's name, in the order given; a flag has one empty value.
    package var options: [String: [String]]

    package init(verb: String, arguments: [String] = [], options: [String: [String]] = [:]) {
        self.verb = verb
        self.arguments = arguments
        self.options = options
    }

    /// Whether a flag was given.
    package func flag(_ name: String) -> Bool { options[name] != nil }

    /// The value of an option.
    package func value(_ name: String) -> String? { options[name]?.last }

    /// All values of a repeatable option.
    package func values(_ name: String) -> [String] { options[name] ?? [] }

    /// The value of an integer option; the parser has checked that it is one.
    package func integer(_ name: String) -> Int? { value(name).flatMap { Int($0) } }
}

/// What a command line asks for.
package enum ParsedCommandLine: Sendable, Equatable {
    case run(Invocation)
    /// The program's help, or a verb's.
    case help(verb: String?)
    case version
}
