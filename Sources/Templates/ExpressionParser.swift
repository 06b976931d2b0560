import Diagnostics
import Values

/// Parses the tokens of one expression by Jinja2's grammar.
///
/// The order of binding is Jinja2's, which is not quite Python's: `~` binds tighter than `+`,
/// filters and tests bind tighter than any operator, `**` is left-associative.
struct ExpressionParser {
    private let tokens: [Token]
    private var index = 0
    /// The offset where the tag's content ends, for faults at its end.
    private let endOffset: Int
    /// Whether `loop` means the loop around this expression.
    private let isInLoop: Bool
    private var nesting = 0

    /// How deep brackets may nest.
    private static let nestingLimit = 60

    init(_ tokens: [Token], end: Int, isInLoop: Bool) {
        self.tokens = tokens
        endOffset = end
        self.isInLoop = isInLoop
    }

    /// Parses a text that is one expression, its braces optional.
    static func parseWhole(_ text: [Unicode.Scalar], _ faults: inout FaultList) -> Node? {
        let first = text.firstIndex { !PythonText.isSpace($0) }
        do throws(SyntaxFault) {
            guard let first else {
                throw SyntaxFault("no expression here", 0, max(1, text.count))
            }
            var start = first
            var ending = Lexer.Ending.endOfText
            if text[first...].starts(with: "{{".unicodeScalars) {
                start = first + 2
                if start < text.count, text[start] == "-" || text[start] == "+" { start += 1 }
                ending = .output
            }
            var lexer = Lexer(text, from: start)
            let tokens = try lexer.tokens(until: ending, openedAt: first)
            if text[lexer.position...].contains(where: { !PythonText.isSpace($0) }) {
                throw SyntaxFault(
                    "text behind the expression", lexer.position, text.count,
                    hint: "a condition is one expression, not a template")
            }
            var parser = ExpressionParser(tokens, end: lexer.position, isInLoop: false)
            let node = try parser.tupleOrExpression()
            try parser.expectEnd()
            return node
        } catch {
            faults.add(error)
            return nil
        }
    }

    // MARK: Tokens

    var current: Token? { index < tokens.count ? tokens[index] : nil }

    func isSymbol(_ symbol: String, ahead: Int = 0) -> Bool {
        index + ahead < tokens.count && tokens[index + ahead].kind == .symbol(symbol)
    }

    func isName(_ name: String, ahead: Int = 0) -> Bool {
        index + ahead < tokens.count && tokens[index + ahead].kind == .name(name)
    }

    mutating func skip() { index += 1 }

    mutating func take(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        index += 1
        return true
    }

    mutating func take(name: String) -> Bool {
        guard isName(name) else { return false }
        index += 1
        return true
    }

    mutating func expect(_ symbol: String, _ after: String) throws(SyntaxFault) {
        guard take(symbol: symbol) else { throw unexpected("\"\(symbol)\" \(after)") }
    }

    mutating func expectName(_ what: String) throws(SyntaxFault) -> (name: String, token: Token) {
        guard let token = current, case .name(let name) = token.kind else {
            throw unexpected(what)
        }
        index += 1
        return (name, token)
    }

    func expectEnd() throws(SyntaxFault) {
        if current != nil { throw unexpected("the end of the tag") }
    }

    func unexpected(_ wanted: String) -> SyntaxFault {
        guard let token = current else {
            return SyntaxFault("expected \(wanted), found the end", endOffset, endOffset + 1)
        }
        var hint: String?
        if token.kind == .symbol("=") { hint = "compare with \"==\"" }
        if token.kind == .symbol("{") { hint = "inside a tag names stand without braces" }
        return SyntaxFault(
            "expected \(wanted), found \(token.text)", token.start, token.end, hint: hint)
    }

    private var lastEnd: Int { index > 0 ? tokens[index - 1].end : 0 }

    // MARK: Nodes

    private func make(_ form: Form, _ start: Int, _ children: [Node?]) throws(SyntaxFault) -> Node {
        var depth = 0
        for child in children { if let child { depth = max(depth, child.depth) } }
        if depth >= Node.depthLimit {
            throw SyntaxFault(
                "template-limit", "an expression of more than \(Node.depthLimit) levels", start,
                lastEnd, hint: "compute it in steps with {% set %}")
        }
        return Node(form, start, lastEnd, depth: depth + 1)
    }

    /// Refuses Python's views and tuples where they would not behave as lists.
    private func plain(_ node: Node) throws(SyntaxFault) -> Node {
        if node.form.isMarkup {
            throw SyntaxFault(
                "the result of tojson used further", node.start, node.end,
                cause: "Jinja2 takes it for HTML and escapes what comes together with it",
                hint: "use to_json, which gives plain text")
        }
        return try noView(node)
    }

    /// A node of which only markup is refused, not a view.
    private func markupFree(_ node: Node) throws(SyntaxFault) -> Node {
        node.form.isMarkup ? try plain(node) : node
    }

    private func noView(_ node: Node) throws(SyntaxFault) -> Node {
        guard node.form.isView else { return node }
        if case .tuple = node.form {
            throw SyntaxFault(
                "a tuple in a place that needs a list", node.start, node.end,
                hint: "write a list: [a, b]")
        }
        throw SyntaxFault(
            "a view in a place that needs a value", node.start, node.end,
            cause: "range, keys, values and items give no list in Jinja2",
            hint: "add \"| list\"")
    }

    // MARK: Grammar

    /// An expression, or several with commas between them as a tuple.
    mutating func tupleOrExpression(
        withConditional: Bool = true, endsAt: [String] = []
    ) throws(SyntaxFault) -> Node {
        let start = current?.start ?? endOffset
        var elements: [Node] = []
        var isTuple = false
        while true {
            if elements.count > 0,
                isSymbol(")") || current == nil || endsAt.contains(where: { isName($0) })
            {
                break
            }
            elements.append(try withConditional ? expression() : disjunction())
            guard take(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple { return elements[0] }
        var checked: [Node] = []
        for element in elements { checked.append(try plain(element)) }
        return try make(.tuple(checked), start, checked)
    }

    /// An expression with `a if b else c`.
    mutating func expression() throws(SyntaxFault) -> Node {
        nesting += 1
        defer { nesting -= 1 }
        if nesting > Self.nestingLimit {
            throw SyntaxFault(
                "template-limit", "brackets nested more than \(Self.nestingLimit) deep",
                current?.start ?? endOffset, current?.end ?? endOffset + 1)
        }
        var node = try disjunction()
        while take(name: "if") {
            let condition = try disjunction()
            let otherwise = take(name: "else") ? try expression() : nil
            node = try make(
                .conditional(
                    plain(condition), then: noView(node), otherwise: otherwise.map(noView)),
                node.start, [condition, node, otherwise])
        }
        return node
    }

    private mutating func disjunction() throws(SyntaxFault) -> Node {
        var left = try conjunction()
        while take(name: "or") {
            let right = try conjunction()
            left = try make(.either(plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    private mutating func conjunction() throws(SyntaxFault) -> Node {
        var left = try negation()
        while take(name: "and") {
            let right = try negation()
            left = try make(.both(plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    private mutating func negation() throws(SyntaxFault) -> Node {
        guard isName("not") else { return try comparison() }
        let start = current?.start ?? endOffset
        nesting += 1
        defer { nesting -= 1 }
        if nesting > Self.nestingLimit {
            throw SyntaxFault("template-limit", "too many \"not\"", start, start + 3)
        }
        skip()
        let operand = try plain(negation())
        return try make(.not(operand), start, [operand])
    }

    private mutating func comparison() throws(SyntaxFault) -> Node {
        let first = try sum()
        var operands: [(operation: Comparison, operand: Node)] = []
        while let operation = takeComparison() {
            var operand = try sum()
            switch operation {
            case .contained, .notContained: break
            default: operand = try plain(operand)
            }
            operands.append((operation, operand))
        }
        guard !operands.isEmpty else { return first }
        return try make(
            .comparison(plain(first), operands), first.start, [first] + operands.map(\.operand))
    }

    private mutating func takeComparison() -> Comparison? {
        if isName("not"), isName("in", ahead: 1) {
            index += 2
            return .notContained
        }
        if take(name: "in") { return .contained }
        let symbols: [(String, Comparison)] = [
            ("==", .equal), ("!=", .unequal), ("<=", .lessOrEqual), (">=", .greaterOrEqual),
            ("<", .less), (">", .greater),
        ]
        for (symbol, operation) in symbols where take(symbol: symbol) { return operation }
        return nil
    }

    private mutating func sum() throws(SyntaxFault) -> Node {
        var left = try concatenation()
        while let operation = takeArithmetic([.add, .subtract]) {
            let right = try concatenation()
            left = try make(
                .arithmetic(operation, plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    private mutating func concatenation() throws(SyntaxFault) -> Node {
        let first = try product()
        guard isSymbol("~") else { return first }
        var parts = [try plain(first)]
        while take(symbol: "~") { parts.append(try plain(product())) }
        return try make(.concatenation(parts), first.start, parts)
    }

    private mutating func product() throws(SyntaxFault) -> Node {
        var left = try power()
        while let operation = takeArithmetic([.multiply, .divide, .floorDivide, .remainder]) {
            var right = try power()
            // "%d of %d" % (1, 2) takes its tuple as it stands.
            if operation != .remainder { right = try plain(right) }
            left = try make(
                .arithmetic(operation, plain(left), right), left.start, [left, right])
        }
        return left
    }

    private mutating func power() throws(SyntaxFault) -> Node {
        var left = try unary()
        while let operation = takeArithmetic([.power]) {
            let right = try unary()
            left = try make(
                .arithmetic(operation, plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    private mutating func takeArithmetic(_ operations: [Arithmetic]) -> Arithmetic? {
        for operation in operations where take(symbol: operation.rawValue) { return operation }
        return nil
    }

    private mutating func unary(withFilters: Bool = true) throws(SyntaxFault) -> Node {
        let start = current?.start ?? endOffset
        var node: Node
        if isSymbol("-") || isSymbol("+") {
            nesting += 1
            defer { nesting -= 1 }
            if nesting > Self.nestingLimit {
                throw SyntaxFault("template-limit", "too many signs", start, start + 1)
            }
            let isNegative = isSymbol("-")
            skip()
            let operand = try plain(unary(withFilters: false))
            node = try make(isNegative ? .negated(operand) : .positive(operand), start, [operand])
        } else {
            node = try primary()
        }
        node = try postfix(node)
        return withFilters ? try filters(node) : node
    }

    // MARK: Primaries

    private mutating func primary() throws(SyntaxFault) -> Node {
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

    private static let unknownFunctions: Set<String> = [
        "dict", "cycler", "joiner", "lipsum", "now", "undef",
    ]

    private mutating func named(_ name: String, _ token: Token) throws(SyntaxFault) -> Node {
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

    private mutating func loop(_ token: Token) throws(SyntaxFault) -> Node {
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

    private mutating func parenthesised(_ start: Int) throws(SyntaxFault) -> Node {
        if take(symbol: ")") { return try make(.tuple([]), start, []) }
        nesting += 1
        defer { nesting -= 1 }
        let inner = try tupleOrExpression()
        try expect(")", "here")
        // The same node over the brackets too, so that a fault shows the whole.
        return Node(inner.form, start, lastEnd, depth: inner.depth)
    }

    private mutating func elements(until close: String) throws(SyntaxFault) -> [Node] {
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

    private mutating func map(_ start: Int) throws(SyntaxFault) -> Node {
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
                    hint: "inside a tag names stand without braces")
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

    private mutating func postfix(_ node: Node) throws(SyntaxFault) -> Node {
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

    private func notCallable(_ node: Node) -> SyntaxFault {
        if case .name(let name) = node.form {
            return SyntaxFault(
                "unknown-name", "\"\(name)\" is no function", node.start, node.end,
                hint: Filter.all[name] == nil
                    ? "functions known: range, namespace" : "it is a filter: value | \(name)")
        }
        return SyntaxFault("a call of what is no function", node.start, current?.end ?? node.end)
    }

    private mutating func member(_ node: Node) throws(SyntaxFault) -> Node {
        guard let token = current else { throw unexpected("a name after \".\"") }
        if case .integer(let value) = token.kind {
            skip()
            let key = try make(.constant(.integer(value)), token.start, [])
            return try make(.subscripted(plain(node), key), node.start, [node, key])
        }
        let (name, nameToken) = try expectName("a name after \".\"")
        if name.hasPrefix("__") {
            throw SyntaxFault(
                "\"\(name)\" is a name of Python's own", nameToken.start, nameToken.end,
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

    private mutating func subscripted(_ node: Node) throws(SyntaxFault) -> Node {
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
    private mutating func arguments() throws(SyntaxFault) -> GivenArguments {
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

    // MARK: Filters and tests

    /// Filters without a value in front: `{% set x | upper %}`; `node` stands for the block's text.
    mutating func filterChain(on node: Node) throws(SyntaxFault) -> Node { try filters(node) }

    private mutating func filters(_ node: Node) throws(SyntaxFault) -> Node {
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

    private mutating func filter(_ node: Node) throws(SyntaxFault) -> Node {
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
                "undefined-name", "\"\(name)\" of nothing: the list is empty", node.start, lastEnd)
        }
        return try make(
            .filtered(filter.takesViews ? markupFree(node) : plain(node), filter, bound),
            node.start,
            [node] + given.positional + given.named.map(\.value))
    }

    /// A name with dots, of which Ansible's own collection may be the front.
    private mutating func qualifiedName(
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

    /// What was probably meant; a name of one or two letters is near to too many.
    private static func nearest(_ name: String, in known: [String]) -> String? {
        name.utf8.count > 2 ? NearestName.hint(for: name, in: known) : nil
    }

    private static func filter(named name: String, _ token: Token) throws(SyntaxFault) -> Filter {
        if let filter = Filter.all[name] { return filter }
        throw SyntaxFault(
            "unknown-filter", "no filter \"\(name)\"", token.start, token.end,
            hint: Filter.advice[name] ?? nearest(name, in: Filter.allNames)
                ?? "filters known: \(Filter.allNames.joined(separator: ", "))")
    }

    private static func constantText(_ node: Node, _ what: String) throws(SyntaxFault) -> String {
        guard case .constant(.string(let text)) = node.form else {
            throw SyntaxFault(
                "\(what) has to be a string as it stands", node.start, node.end,
                hint: "quote it")
        }
        return text
    }

    private static func path(_ node: Node) throws(SyntaxFault) -> [PathPart] {
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

    private mutating func mapping(
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

    private mutating func selection(
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

    private static func test(named name: String, _ token: Token) throws(SyntaxFault) -> Test {
        if let test = Test.all[name] { return test }
        throw SyntaxFault(
            "unknown-test", "no test \"\(name)\"", token.start, token.end,
            hint: Test.advice[name] ?? nearest(name, in: Test.allNames)
                ?? "tests known: \(Test.allNames.joined(separator: ", "))")
    }

    private mutating func test(_ node: Node) throws(SyntaxFault) -> Node {
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
                    "\(next.text) directly behind a test", next.start, next.end,
                    cause: "Jinja2 takes it for the test's argument",
                    hint: "put the test into brackets: (x is \(name)) …")
            case .name("is"):
                throw SyntaxFault(
                    "two tests in a row", next.start, next.end, hint: "join with \"and\"")
            case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
                // The grammar takes the next primary for the test's argument.
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
