import Diagnostics

/// The parameters of a filter, test or method.
struct Signature: Sendable {
    /// The names in order; those after the first `required` ones are optional.
    let parameters: [String]
    let required: Int
    /// Whether any number of further arguments may follow.
    let takesMore: Bool
    /// How many parameters may be given by position; the others are given by name only.
    private let positional: Int

    init(
        _ parameters: [String] = [], required: Int = 0, takesMore: Bool = false,
        named: [String] = []
    ) {
        self.parameters = parameters + named
        self.required = required
        self.takesMore = takesMore
        positional = parameters.count
    }

    static let none = Signature()

    /// Binds arguments to their parameters.
    func bind(
        _ given: GivenArguments, to what: String, _ start: Int, _ end: Int
    ) throws(SyntaxFault) -> Arguments {
        var bound = [Node?](repeating: nil, count: parameters.count)
        var rest: [Node] = []
        for (index, node) in given.positional.enumerated() {
            if index < positional {
                bound[index] = node
            } else if takesMore {
                rest.append(node)
            } else {
                throw SyntaxFault(
                    "\(what) takes \(Self.count(positional)), not \(given.positional.count)",
                    node.start, node.end, hint: listing)
            }
        }
        for argument in given.named {
            guard let index = parameters.firstIndex(of: argument.name) else {
                throw SyntaxFault(
                    "\(what) has no argument \"\(argument.name)\"", argument.start,
                    argument.value.end,
                    hint: NearestName.hint(for: argument.name, in: parameters) ?? listing)
            }
            guard bound[index] == nil else {
                throw SyntaxFault(
                    "the argument \"\(argument.name)\" is given twice", argument.start,
                    argument.value.end)
            }
            bound[index] = argument.value
        }
        for index in 0..<required where bound[index] == nil {
            throw SyntaxFault(
                "\(what) lacks its argument \"\(parameters[index])\"", start, end, hint: listing)
        }
        return Arguments(bound: bound, rest: rest)
    }

    private static func count(_ count: Int) -> String {
        switch count {
        case 0: "no argument"
        case 1: "one argument"
        default: "\(count) arguments"
        }
    }

    private var listing: String? {
        guard !parameters.isEmpty else { return nil }
        let names = parameters.enumerated().map {
            $0.offset < required ? $0.element : "\($0.element)=…"
        }
        return "its arguments: \(names.joined(separator: ", "))"
    }
}

/// Arguments as written.
struct GivenArguments {
    var positional: [Node] = []
    var named: [(name: String, start: Int, value: Node)] = []
}
