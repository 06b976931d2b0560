import Diagnostics
import Values

/// Literals, names, brackets, and their suffixes.
extension ExpressionParser {
    mutating func primary() throws(SyntaxFault) -> Node {
        guard let token = current else { throw unexpected("a value") }
        switch token.kind {
        case .name(let name):
            skip()
            return try named(name, token)
        case .string(let first):
            skip()
            var text = first
            while let next = current, case .string(let more) = next.kind {
                text += more
                skip()
            }
            return try make(.constant(.string(text)), token.start, [])
        case .integer(let value):
            skip()
            return try make(.constant(.integer(value)), token.start, [])
        case .float(let value):
            skip()
            return try make(.constant(.number(value)), token.start, [])
        case .symbol("("):
            skip()
            return try parenthesised(token.start)
        case .symbol("["):
            skip()
            let elements = try self.elements(until: "]")
            return try make(.list(elements), token.start, elements)
        case .symbol("{"):
            skip()
            return try map(token.start)
        case .symbol:
            throw unexpected("a value")
        }
    }

    static let unknownFunctions: Set<String> = [
        "dict", "cycler", "joiner", "lipsum", "now", "undef",
    ]

    mutating func named(_ name: String, _ token: Token) throws(SyntaxFault) -> Node {
        switch name {
        case "true", "True": return try make(.constant(.bool(true)), token.start, [])
        case "false", "False": return try make(.constant(.bool(false)), token.start, [])
        case "none", "None": return try make(.constant(.null), token.start, [])
        case "loop": return try loop(token)
        case "range" where isSymbol("("):
            let given = try arguments()
            let signature = Signature(["start", "stop", "step"], required: 1)
            if let named = given.named.first {
                throw SyntaxFault(
                    "range takes no named arguments", named.start, named.value.end)
            }
            let bound = try signature.bind(given, to: "range", token.start, lastEnd)
            return try make(.range(bound), token.start, given.positional)
        case "namespace" where isSymbol("("):
            let given = try arguments()
            if let first = given.positional.first {
                throw SyntaxFault(
                    "namespace takes named arguments only", first.start, first.end,
                    hint: "namespace(found=false)")
            }
            return try make(
                .namespace(
                    Arguments(bound: given.named.map(\.value), rest: []),
                    names: given.named.map(\.name)),
                token.start, given.named.map(\.value))
        case "lookup" where isSymbol("("), "query" where isSymbol("("), "q" where isSymbol("("):
            throw SyntaxFault(
                "\"\(name)\" is not part of muster's templates", token.start, token.end,
                cause: "a plan depends on its inputs only, not on what a lookup reads",
                hint: "put the value into a variable")
        case let function where Self.unknownFunctions.contains(function) && isSymbol("("):
            throw SyntaxFault(
                "\"\(name)()\" is not part of muster's templates", token.start, token.end,
                hint: name == "dict" ? "write {'key': value}" : nil)
        case "not", "and", "or", "if", "else", "in", "is":
            index -= 1
            throw unexpected("a value")
        default:
            return try make(.name(name), token.start, [])
        }
    }

    mutating func loop(_ token: Token) throws(SyntaxFault) -> Node {
        guard isInLoop else {
            throw SyntaxFault(
                "undefined-name", "\"loop\" outside a for", token.start, token.end,
                hint: "it is known in the body of a {% for %}, not in its condition, its else or "
                    + "an included template")
        }
        guard take(symbol: ".") else {
            throw SyntaxFault(
                "\"loop\" by itself", token.start, token.end,
                hint: "read one of its members: loop.index, loop.first, loop.last")
        }
        let (name, member) = try expectName("a member of loop")
        guard let field = LoopField(rawValue: name) else {
            let known = LoopField.allCases.map(\.rawValue)
            throw SyntaxFault(
                "unknown-name", "loop has no \"\(name)\"", member.start, member.end,
                hint: NearestName.hint(for: name, in: known)
                    ?? "it has \(known.joined(separator: ", "))")
        }
        var given = GivenArguments()
        if field == .cycle || field == .changed {
            guard isSymbol("(") else { throw unexpected("\"(\" after loop.\(name)") }
            given = try arguments()
            if let named = given.named.first {
                throw SyntaxFault(
                    "loop.\(name) takes no named arguments", named.start, named.value.end)
            }
            if field == .cycle, given.positional.isEmpty {
                throw SyntaxFault("loop.cycle without values", token.start, lastEnd)
            }
        }
        return try make(
            .loop(field, Arguments(bound: [], rest: given.positional)), token.start,
            given.positional)
    }

    mutating func parenthesised(_ start: Int) throws(SyntaxFault) -> Node {
        if take(symbol: ")") { return try make(.tuple([]), start, []) }
        nesting += 1
        defer { nesting -= 1 }
        let inner = try tupleOrExpression()
        try expect(")", "here")
        // The same node, extended over the brackets, so that a fault underlines all of it.
        return Node(inner.form, start, lastEnd, depth: inner.depth)
    }

    mutating func elements(until close: String) throws(SyntaxFault) -> [Node] {
        var elements: [Node] = []
        while !isSymbol(close) {
            if !elements.isEmpty {
                try expect(",", "or \"\(close)\"")
                if isSymbol(close) { break }
            }
            elements.append(try plain(expression()))
        }
        try expect(close, "here")
        return elements
    }

    mutating func map(_ start: Int) throws(SyntaxFault) -> Node {
        var pairs: [(key: Node, value: Node)] = []
        while !isSymbol("}") {
            if !pairs.isEmpty {
                try expect(",", "or \"}\"")
                if isSymbol("}") { break }
            }
            if pairs.isEmpty, let brace = current, brace.kind == .symbol("{"),
                brace.start == start + 1
            {
                throw SyntaxFault(
                    "\"{{\" inside a tag", start, brace.end,
                    hint: "inside a tag, names are written without braces")
            }
            let key = try expression()
            if case .constant(let value) = key.form {
                guard case .string = value else {
                    throw SyntaxFault(
                        "a map key that is \(value.kindText)", key.start, key.end,
                        hint: "keys are strings: quote it")
                }
            }
            try expect(":", "after the key")
            pairs.append((try plain(key), try plain(expression())))
        }
        try expect("}", "here")
        return try make(.map(pairs), start, pairs.flatMap { [$0.key, $0.value] })
    }

    // MARK: What follows a primary

    mutating func postfix(_ node: Node) throws(SyntaxFault) -> Node {
        var node = node
        while true {
            if take(symbol: ".") {
                node = try member(node)
            } else if isSymbol("[") {
                skip()
                node = try subscripted(plain(node))
            } else if isSymbol("(") {
                throw notCallable(node)
            } else {
                return node
            }
        }
    }

    func notCallable(_ node: Node) -> SyntaxFault {
        if case .name(let name) = node.form {
            return SyntaxFault(
                "unknown-name", "\"\(name)\" is not a function", node.start, node.end,
                hint: Filter.all[name] == nil
                    ? "functions known: range, namespace" : "it is a filter: value | \(name)")
        }
        return SyntaxFault(
            "a call of a value that is not a function", node.start, current?.end ?? node.end)
    }

    mutating func member(_ node: Node) throws(SyntaxFault) -> Node {
        guard let token = current else { throw unexpected("a name after \".\"") }
        if case .integer(let value) = token.kind {
            skip()
            let key = try make(.constant(.integer(value)), token.start, [])
            return try make(.subscripted(plain(node), key), node.start, [node, key])
        }
        let (name, nameToken) = try expectName("a name after \".\"")
        if name.hasPrefix("__") {
            throw SyntaxFault(
                "\"\(name)\" is a name internal to Python", nameToken.start, nameToken.end,
                hint: "read a map's member as ['\(name)']")
        }
        guard isSymbol("(") else {
            return try make(.attribute(plain(node), name), node.start, [node])
        }
        guard let method = Method.all[name] else {
            throw SyntaxFault(
                "unknown-method", "no method \"\(name)\"", nameToken.start, nameToken.end,
                hint: Filter.all[name] == nil
                    ? NearestName.hint(for: name, in: Method.all.keys.sorted())
                        ?? "methods known: \(Method.all.keys.sorted().joined(separator: ", "))"
                    : "there is a filter of that name: value | \(name)")
        }
        let given = try arguments()
        if method.takesNoNames, let named = given.named.first {
            throw SyntaxFault(
                "\(name) takes no named arguments", named.start, named.value.end)
        }
        let bound = try method.signature.bind(given, to: "\(name)()", nameToken.start, lastEnd)
        return try make(
            .method(plain(node), method, bound), node.start,
            [node] + given.positional + given.named.map(\.value))
    }

    mutating func subscripted(_ node: Node) throws(SyntaxFault) -> Node {
        var start: Node?
        if !isSymbol(":") {
            start = try plain(expression())
            if take(symbol: "]") {
                guard let key = start else { throw unexpected("a subscript") }
                return try make(.subscripted(node, key), node.start, [node, key])
            }
        }
        try expect(":", "or \"]\"")
        var end: Node?
        var step: Node?
        if !isSymbol(":"), !isSymbol("]") { end = try plain(expression()) }
        if take(symbol: ":"), !isSymbol("]") { step = try plain(expression()) }
        try expect("]", "after the slice")
        return try make(
            .slice(node, start: start, end: end, step: step), node.start, [node, start, end, step])
    }

    /// The arguments of a call, brackets included.
    mutating func arguments() throws(SyntaxFault) -> GivenArguments {
        var given = GivenArguments()
        try expect("(", "here")
        while !isSymbol(")") {
            if !given.positional.isEmpty || !given.named.isEmpty {
                try expect(",", "or \")\"")
                if isSymbol(")") { break }
            }
            if isSymbol("*") || isSymbol("**"), let token = current {
                throw SyntaxFault(
                    "\(token.text) before an argument", token.start, token.end,
                    hint: "write the arguments out")
            }
            if let token = current, case .name(let name) = token.kind, isSymbol("=", ahead: 1) {
                index += 2
                given.named.append((name, token.start, try plain(expression())))
            } else {
                if let named = given.named.first {
                    throw SyntaxFault(
                        "an argument without a name behind one with", named.start,
                        named.value.end)
                }
                given.positional.append(try plain(expression()))
            }
        }
        try expect(")", "here")
        return given
    }
}
