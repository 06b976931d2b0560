import Diagnostics
import Values

/// Filters and tests.
extension ExpressionParser {
    /// Filters without a value before them: `{% set x | upper %}`; `node` is the block's text.
    mutating func filterChain(on node: Node) throws(SyntaxFault) -> Node { try filters(node) }

    mutating func filters(_ node: Node) throws(SyntaxFault) -> Node {
        var node = node
        while true {
            if take(symbol: "|") {
                node = try filter(node)
            } else if take(name: "is") {
                node = try test(node)
            } else if isSymbol("(") {
                throw notCallable(node)
            } else {
                return node
            }
        }
    }

    mutating func filter(_ node: Node) throws(SyntaxFault) -> Node {
        let (name, token) = try qualifiedName("a filter's name after \"|\"")
        let given = isSymbol("(") ? try arguments() : GivenArguments()
        switch name {
        case "map": return try mapping(node, given, token)
        case "select", "reject", "selectattr", "rejectattr":
            return try selection(node, name, given, token)
        default: break
        }
        let filter = try Self.filter(named: name, token)
        let bound = try filter.signature.bind(given, to: "the filter \(name)", token.start, lastEnd)
        if ["first", "last", "min", "max"].contains(name), Evaluator.isConstantlyEmpty(node) {
            throw SyntaxFault(
                "undefined-name", "\"\(name)\" of an empty list", node.start, lastEnd)
        }
        return try make(
            .filtered(filter.takesViews ? markupFree(node) : plain(node), filter, bound),
            node.start,
            [node] + given.positional + given.named.map(\.value))
    }

    /// A name with dots, which may begin with Ansible's own collection.
    mutating func qualifiedName(
        _ what: String
    ) throws(SyntaxFault) -> (name: String, token: Token) {
        var (name, token) = try expectName(what)
        let start = token.start
        while take(symbol: ".") {
            let next = try expectName("a name after \".\"")
            name += "." + next.name
            token = next.token
        }
        for prefix in ["ansible.builtin.", "ansible.legacy."] where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
        }
        return (name, Token(kind: .name(name), start: start, end: token.end))
    }

    /// The nearest known name; nil for names of one or two letters, which resemble too many.
    static func nearest(_ name: String, in known: [String]) -> String? {
        name.utf8.count > 2 ? NearestName.hint(for: name, in: known) : nil
    }

    static func filter(named name: String, _ token: Token) throws(SyntaxFault) -> Filter {
        if let filter = Filter.all[name] { return filter }
        throw SyntaxFault(
            "unknown-filter", "no filter \"\(name)\"", token.start, token.end,
            hint: Filter.advice[name] ?? nearest(name, in: Filter.allNames)
                ?? "filters known: \(Filter.allNames.joined(separator: ", "))")
    }

    static func constantText(_ node: Node, _ what: String) throws(SyntaxFault) -> String {
        guard case .constant(.string(let text)) = node.form else {
            throw SyntaxFault(
                "\(what) has to be a string literal", node.start, node.end,
                hint: "quote it")
        }
        return text
    }

    static func path(_ node: Node) throws(SyntaxFault) -> [PathPart] {
        if case .constant(.integer(let index)) = node.form { return [.index(index)] }
        let text = try constantText(node, "the attribute")
        var parts: [PathPart] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            if !part.isEmpty, part.unicodeScalars.allSatisfy(PythonText.isDigit) {
                guard let index = Int(part) else {
                    throw SyntaxFault("an index out of range", node.start, node.end)
                }
                parts.append(.index(index))
            } else {
                parts.append(.key(String(part)))
            }
        }
        return parts
    }

    mutating func mapping(
        _ node: Node, _ given: GivenArguments, _ token: Token
    ) throws(SyntaxFault) -> Node {
        let children = [node] + given.positional + given.named.map(\.value)
        if given.positional.isEmpty, given.named.contains(where: { $0.name == "attribute" }) {
            let bound = try Signature(["attribute", "default"], required: 1)
                .bind(given, to: "the filter map", token.start, lastEnd)
            guard let attribute = bound.bound[0] else { throw unexpected("an attribute") }
            return try make(
                .mappedAttribute(markupFree(node), Self.path(attribute), fallback: bound.bound[1]),
                node.start,
                children)
        }
        guard let first = given.positional.first else {
            throw SyntaxFault(
                "map without a filter", token.start, lastEnd,
                hint: "map('upper') or map(attribute='name')")
        }
        let name = try Self.constantText(first, "the filter's name")
        let filter = try Self.filter(
            named: name, Token(kind: .name(name), start: first.start, end: first.end))
        var rest = given
        rest.positional.removeFirst()
        let bound = try filter.signature.bind(
            rest, to: "the filter \(name)", token.start, lastEnd)
        if filter.givesMarkup {
            throw SyntaxFault(
                "tojson for every element", first.start, first.end,
                hint: "use map('to_json'), which gives plain text")
        }
        return try make(.mappedFilter(markupFree(node), filter, bound), node.start, children)
    }

    mutating func selection(
        _ node: Node, _ filter: String, _ given: GivenArguments, _ token: Token
    ) throws(SyntaxFault) -> Node {
        var rest = given
        var attribute: [PathPart] = []
        if filter.hasSuffix("attr") {
            guard !rest.positional.isEmpty else {
                throw SyntaxFault(
                    "\(filter) without an attribute", token.start, lastEnd,
                    hint: "\(filter)('name', 'equalto', value)")
            }
            attribute = try Self.path(rest.positional.removeFirst())
        }
        var use: TestUse?
        if !rest.positional.isEmpty {
            let first = rest.positional.removeFirst()
            let name = try Self.constantText(first, "the test's name")
            let test = try Self.test(
                named: name, Token(kind: .name(name), start: first.start, end: first.end))
            use = TestUse(
                test: test,
                arguments: try test.signature.bind(
                    rest, to: "the test \(name)", token.start, lastEnd))
        } else if let named = given.named.first {
            throw SyntaxFault(
                "\(filter) has no argument \"\(named.name)\"", named.start, named.value.end)
        }
        return try make(
            .selection(
                markupFree(node), attribute: attribute, test: use, keeps: filter.hasPrefix("select")
            ),
            node.start, [node] + given.positional + given.named.map(\.value))
    }

    static func test(named name: String, _ token: Token) throws(SyntaxFault) -> Test {
        if let test = Test.all[name] { return test }
        throw SyntaxFault(
            "unknown-test", "no test \"\(name)\"", token.start, token.end,
            hint: Test.advice[name] ?? nearest(name, in: Test.allNames)
                ?? "tests known: \(Test.allNames.joined(separator: ", "))")
    }

    mutating func test(_ node: Node) throws(SyntaxFault) -> Node {
        let isNegated = take(name: "not")
        let (name, token) = try qualifiedName("a test's name after \"is\"")
        var given = GivenArguments()
        if isSymbol("(") {
            given = try arguments()
        } else if let next = current {
            switch next.kind {
            case .name("else"), .name("or"), .name("and"):
                break
            case .name("if"), .name("in"), .name("not"):
                throw SyntaxFault(
                    "\(next.text) directly after a test", next.start, next.end,
                    cause: "Jinja2 takes it for the test's argument",
                    hint: "put the test into brackets: (x is \(name)) …")
            case .name("is"):
                throw SyntaxFault(
                    "two tests in a row", next.start, next.end, hint: "join with \"and\"")
            case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
                // In Jinja2's grammar the next primary is the test's argument.
                let argument = try postfix(primary())
                given.positional = [argument]
            default: break
            }
        }
        let test = try Self.test(named: name, token)
        if !test.takesViews {
            for (index, argument) in given.positional.enumerated() {
                given.positional[index] = try plain(argument)
            }
        }
        let bound = try test.signature.bind(given, to: "the test \(name)", token.start, lastEnd)
        let result = try make(
            .tested(plain(node), TestUse(test: test, arguments: bound)), node.start,
            [node] + given.positional + given.named.map(\.value))
        return isNegated ? try make(.not(result), node.start, [result]) : result
    }
}
