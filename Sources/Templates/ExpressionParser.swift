import Diagnostics
import Values

/// Parses the tokens of one expression according to Jinja2's grammar.
///
/// Operator precedence is that of Jinja2, which differs from Python: `~` binds tighter than `+`,
/// filters and tests bind tighter than any operator, `**` is left-associative.
struct ExpressionParser {
    let tokens: [Token]
    var index = 0
    /// The offset where the tag's content ends, for faults at its end.
    let endOffset: Int
    /// Whether `loop` is the loop around this expression.
    let isInLoop: Bool
    var nesting = 0

    /// How deep brackets may nest.
    static let nestingLimit = 60

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
                    "text after the expression", lexer.position, text.count,
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
        if token.kind == .symbol("{") { hint = "inside a tag, names are written without braces" }
        return SyntaxFault(
            "expected \(wanted), found \(token.text)", token.start, token.end, hint: hint)
    }

    var lastEnd: Int { index > 0 ? tokens[index - 1].end : 0 }

    // MARK: Nodes

    func make(_ form: Form, _ start: Int, _ children: [Node?]) throws(SyntaxFault) -> Node {
        var depth = 0
        for child in children { if let child { depth = max(depth, child.depth) } }
        if depth >= Node.depthLimit {
            throw SyntaxFault(
                "template-limit", "an expression of more than \(Node.depthLimit) levels", start,
                lastEnd, hint: "compute it in steps with {% set %}")
        }
        return Node(form, start, lastEnd, depth: depth + 1)
    }

    /// Refuses views and tuples of Python where they would not behave like lists.
    func plain(_ node: Node) throws(SyntaxFault) -> Node {
        if node.form.isMarkup {
            throw SyntaxFault(
                "the result of tojson used further", node.start, node.end,
                cause: "Jinja2 takes it for HTML and escapes what comes together with it",
                hint: "use to_json, which gives plain text")
        }
        return try noView(node)
    }

    /// Refuses only markup, not a view.
    func markupFree(_ node: Node) throws(SyntaxFault) -> Node {
        node.form.isMarkup ? try plain(node) : node
    }

    func noView(_ node: Node) throws(SyntaxFault) -> Node {
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

    mutating func disjunction() throws(SyntaxFault) -> Node {
        var left = try conjunction()
        while take(name: "or") {
            let right = try conjunction()
            left = try make(.either(plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    mutating func conjunction() throws(SyntaxFault) -> Node {
        var left = try negation()
        while take(name: "and") {
            let right = try negation()
            left = try make(.both(plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    mutating func negation() throws(SyntaxFault) -> Node {
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

    mutating func comparison() throws(SyntaxFault) -> Node {
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

    mutating func takeComparison() -> Comparison? {
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

    mutating func sum() throws(SyntaxFault) -> Node {
        var left = try concatenation()
        while let operation = takeArithmetic([.add, .subtract]) {
            let right = try concatenation()
            left = try make(
                .arithmetic(operation, plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    mutating func concatenation() throws(SyntaxFault) -> Node {
        let first = try product()
        guard isSymbol("~") else { return first }
        var parts = [try plain(first)]
        while take(symbol: "~") { parts.append(try plain(product())) }
        return try make(.concatenation(parts), first.start, parts)
    }

    mutating func product() throws(SyntaxFault) -> Node {
        var left = try power()
        while let operation = takeArithmetic([.multiply, .divide, .floorDivide, .remainder]) {
            var right = try power()
            // "%d of %d" % (1, 2) uses its tuple directly.
            if operation != .remainder { right = try plain(right) }
            left = try make(
                .arithmetic(operation, plain(left), right), left.start, [left, right])
        }
        return left
    }

    mutating func power() throws(SyntaxFault) -> Node {
        var left = try unary()
        while let operation = takeArithmetic([.power]) {
            let right = try unary()
            left = try make(
                .arithmetic(operation, plain(left), plain(right)), left.start, [left, right])
        }
        return left
    }

    mutating func takeArithmetic(_ operations: [Arithmetic]) -> Arithmetic? {
        for operation in operations where take(symbol: operation.rawValue) { return operation }
        return nil
    }

    mutating func unary(withFilters: Bool = true) throws(SyntaxFault) -> Node {
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
}
