import Diagnostics
import Values

/// Builds the statements of a template from its segments, and continues after a fault.
struct StatementParser {
    private let segments: [Segment]
    private var index = 0
    var faults: FaultList
    /// The number of enclosing `for` bodies.
    private var loops = 0
    private var nesting = 0
    /// Whether the rest of the text is skipped, so that closing tags will not be found.
    private var hasGivenUp = false
    private var unknownTags: Set<String> = []

    private static let nestingLimit = 50
    static let tags = ["if", "for", "set", "include", "raw", "with"]

    init(segments: [Segment], faults: FaultList) {
        self.segments = segments
        self.faults = faults
    }

    /// The tag that ended a body.
    private struct Ending {
        let keyword: String
        let content: TagContent
    }

    mutating func parse() -> [Statement] {
        var all: [Statement] = []
        while true {
            let (body, ending) = self.body()
            all += body
            guard let ending else { return all }
            faults.add(
                SyntaxFault(
                    "\"\(ending.keyword)\" without its opening tag", ending.content.start,
                    ending.content.end,
                    hint: Self.opener(of: ending.keyword).map { "it belongs to a {% \($0) %}" }))
        }
    }

    private static func opener(of keyword: String) -> String? {
        switch keyword {
        case "endif", "elif": "if"
        case "else": "if or for"
        case "endfor": "for"
        case "endset": "set"
        case "endwith": "with"
        default: nil
        }
    }

    /// Statements up to any closing tag, or to the end of the text.
    private mutating func body() -> ([Statement], Ending?) {
        var statements: [Statement] = []
        while index < segments.count {
            let segment = segments[index]
            index += 1
            switch segment {
            case .text(let text): statements.append(.text(text))
            case .output(let content):
                if let node = expression(content, after: 0) { statements.append(.output(node)) }
            case .tag(let content):
                guard let first = content.tokens.first, case .name(let keyword) = first.kind else {
                    if !content.isBroken {
                        faults.add(
                            SyntaxFault(
                                "a tag without a name", content.start, content.end,
                                hint: "tags: \(Self.tags.joined(separator: ", "))"))
                    }
                    continue
                }
                if Self.opener(of: keyword) != nil {
                    return (statements, Ending(keyword: keyword, content: content))
                }
                if let statement = statement(keyword, first, content) {
                    statements.append(statement)
                }
            }
        }
        return (statements, nil)
    }

    private mutating func statement(
        _ keyword: String, _ first: Token, _ content: TagContent
    ) -> Statement? {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.nestingLimit else {
            faults.add(
                SyntaxFault(
                    "template-limit", "tags nested more than \(Self.nestingLimit) deep",
                    content.start, content.end))
            index = segments.count
            hasGivenUp = true
            return nil
        }
        switch keyword {
        case "if": return condition(content)
        case "for": return loop(content)
        case "set": return assignment(content)
        case "with": return scope(content)
        case "include": return include(content)
        default:
            // The closing tag of an unknown tag is the same mistake and not reported again.
            guard !unknownTags.contains(where: { keyword == "end\($0)" }) else { return nil }
            unknownTags.insert(keyword)
            faults.add(
                SyntaxFault(
                    "unknown-tag", "no tag \"\(keyword)\"", first.start, first.end,
                    hint: Self.advice(keyword)))
            return nil
        }
    }

    private static func advice(_ keyword: String) -> String {
        switch keyword {
        case "macro", "call", "import", "from":
            return "muster's templates have no macros: use include, or a role parameter"
        case "extends", "block":
            return "muster's templates have no inheritance: use include"
        case "do": return "use {% set %}"
        case "elseif", "elsif": return "write \"elif\""
        default:
            return NearestName.hint(for: keyword, in: tags + ["elif", "else", "endif", "endfor"])
                ?? "tags: \(tags.joined(separator: ", "))"
        }
    }

    // MARK: Pieces

    private func cursor(_ content: TagContent, after count: Int) -> ExpressionParser {
        ExpressionParser(
            Array(content.tokens.dropFirst(count)), end: max(content.start, content.end - 2),
            isInLoop: loops > 0)
    }

    /// The only expression of a tag; nil if a fault was recorded.
    private mutating func expression(
        _ content: TagContent, after count: Int, withConditional: Bool = true
    ) -> Node? {
        guard !content.isBroken else { return nil }
        do throws(SyntaxFault) {
            var parser = cursor(content, after: count)
            if parser.current == nil {
                throw SyntaxFault(
                    count == 0 ? "nothing between the braces" : "this tag lacks its expression",
                    content.start, content.end)
            }
            let node = try parser.tupleOrExpression(withConditional: withConditional)
            try parser.expectEnd()
            return node
        } catch {
            faults.add(error)
            return nil
        }
    }

    /// Checks that a closing tag contains nothing else.
    private mutating func expectBare(_ ending: Ending) {
        guard ending.content.tokens.count > 1, !ending.content.isBroken else { return }
        let extra = ending.content.tokens[1]
        faults.add(
            SyntaxFault(
                "\"\(ending.keyword)\" takes nothing after it", extra.start, extra.end,
                hint: ending.keyword == "else" && extra.kind == .name("if")
                    ? "write \"elif\"" : nil))
    }

    private mutating func notClosed(
        _ keyword: String, _ content: TagContent, by wanted: String, found ending: Ending?
    ) {
        if hasGivenUp { return }
        var fault = SyntaxFault(
            "this \"\(keyword)\" is not closed", content.start, content.end,
            hint: "end it with {% \(wanted) %}")
        if let ending {
            fault.related = [
                (ending.content.start, ending.content.end, "\"\(ending.keyword)\" is here")
            ]
            // The closing tag may belong to the outer statement.
            index -= 1
        }
        faults.add(fault)
    }

    // MARK: Statements

    private mutating func condition(_ content: TagContent) -> Statement? {
        var branches: [(condition: Node, body: [Statement])] = []
        var otherwise: [Statement] = []
        var isWhole = true
        var node = expression(content, after: 1, withConditional: false)
        while true {
            let (body, ending) = self.body()
            if let node { branches.append((node, body)) } else { isWhole = false }
            switch ending?.keyword {
            case "endif":
                if let ending { expectBare(ending) }
                return isWhole ? .conditional(branches, otherwise: otherwise) : nil
            case "elif":
                if let ending {
                    node = expression(ending.content, after: 1, withConditional: false)
                }
            case "else":
                if let ending { expectBare(ending) }
                let (body, last) = self.body()
                otherwise = body
                guard let last, last.keyword == "endif" else {
                    notClosed("if", content, by: "endif", found: last)
                    return nil
                }
                expectBare(last)
                return isWhole ? .conditional(branches, otherwise: otherwise) : nil
            default:
                notClosed("if", content, by: "endif", found: ending)
                return nil
            }
        }
    }

    private mutating func loop(_ content: TagContent) -> Statement? {
        var head: (targets: [String], iterated: Node, condition: Node?)?
        if !content.isBroken {
            do throws(SyntaxFault) { head = try loopHead(content) } catch { faults.add(error) }
        }
        loops += 1
        let (body, ending) = self.body()
        loops -= 1
        var otherwise: [Statement] = []
        var last = ending
        if let ending, ending.keyword == "else" {
            expectBare(ending)
            (otherwise, last) = self.body()
        }
        guard let last, last.keyword == "endfor" else {
            notClosed("for", content, by: "endfor", found: last)
            return nil
        }
        expectBare(last)
        guard let head else { return nil }
        return .loop(
            Loop(
                targets: head.targets, iterated: head.iterated, condition: head.condition,
                body: body, otherwise: otherwise))
    }

    private mutating func loopHead(
        _ content: TagContent
    ) throws(SyntaxFault) -> (targets: [String], iterated: Node, condition: Node?) {
        var parser = cursor(content, after: 1)
        let targets = try Self.targets(&parser)
        guard parser.take(name: "in") else { throw parser.unexpected("\"in\"") }
        let iterated = try parser.tupleOrExpression(
            withConditional: false, endsAt: ["if", "recursive"])
        var condition: Node?
        if parser.take(name: "if") { condition = try parser.expression() }
        if parser.isName("recursive"), let token = parser.current {
            throw SyntaxFault(
                "a recursive loop", token.start, token.end,
                hint: "muster's templates have none: nest loops as deep as the data")
        }
        try parser.expectEnd()
        return (targets, iterated, condition)
    }

    /// One name, or several separated by commas.
    private static func targets(_ parser: inout ExpressionParser) throws(SyntaxFault) -> [String] {
        var targets: [String] = []
        let isBracketed = parser.take(symbol: "(")
        repeat {
            let (name, token) = try parser.expectName("a name to assign to")
            if [
                "loop", "true", "false", "none", "True", "False", "None", "not", "and", "or", "in",
                "is", "if", "else",
            ].contains(name) || targets.contains(name) {
                throw SyntaxFault(
                    "\"\(name)\" cannot be assigned to here", token.start, token.end)
            }
            targets.append(name)
        } while parser.take(symbol: ",")
        if isBracketed { try parser.expect(")", "here") }
        return targets
    }

    private mutating func assignment(_ content: TagContent) -> Statement? {
        guard !content.isBroken else { return nil }
        do throws(SyntaxFault) {
            var parser = cursor(content, after: 1)
            if parser.isSymbol(".", ahead: 1) {
                let (namespace, _) = try parser.expectName("a name to assign to")
                parser.skip()
                let (member, _) = try parser.expectName("a member's name")
                try parser.expect("=", "after the name")
                let node = try parser.tupleOrExpression()
                try parser.expectEnd()
                return .assignMember(namespace: namespace, member: member, node)
            }
            let targets = try Self.targets(&parser)
            if parser.take(symbol: "=") {
                let node = try parser.tupleOrExpression()
                try parser.expectEnd()
                if targets.count == 1, case .tuple = node.form {
                    throw SyntaxFault(
                        "a tuple in a place that needs a list", node.start, node.end,
                        hint: "write a list: [a, b]")
                }
                if node.form.isMarkup {
                    throw SyntaxFault(
                        "the result of tojson used further", node.start, node.end,
                        cause: "Jinja2 takes it for HTML and escapes what comes together with it",
                        hint: "use to_json, which gives plain text")
                }
                return .assign(targets, node)
            }
            guard targets.count == 1 else { throw parser.unexpected("\"=\"") }
            return try blockAssignment(targets[0], &parser, content)
        } catch {
            faults.add(error)
            return nil
        }
    }

    private mutating func blockAssignment(
        _ name: String, _ parser: inout ExpressionParser, _ content: TagContent
    ) throws(SyntaxFault) -> Statement? {
        var filters: Node?
        if parser.isSymbol("|"), let token = parser.current {
            let text = Node(.name(Evaluator.blockText), token.start, token.end, depth: 1)
            filters = try parser.filterChain(on: text)
        }
        try parser.expectEnd()
        let (body, ending) = self.body()
        guard let ending, ending.keyword == "endset" else {
            notClosed("set", content, by: "endset", found: ending)
            return nil
        }
        expectBare(ending)
        return .assignBlock(name, body, filters: filters)
    }

    private mutating func scope(_ content: TagContent) -> Statement? {
        var values: [(name: String, value: Node)] = []
        if !content.isBroken {
            do throws(SyntaxFault) {
                var parser = cursor(content, after: 1)
                while parser.current != nil {
                    if !values.isEmpty { try parser.expect(",", "between the names") }
                    let (name, token) = try parser.expectName("a name to assign to")
                    if name == "loop" || values.contains(where: { $0.name == name }) {
                        throw SyntaxFault(
                            "\"\(name)\" cannot be assigned to here", token.start, token.end)
                    }
                    try parser.expect("=", "after the name")
                    values.append((name, try parser.expression()))
                }
            } catch {
                faults.add(error)
            }
        }
        let (body, ending) = self.body()
        guard let ending, ending.keyword == "endwith" else {
            notClosed("with", content, by: "endwith", found: ending)
            return nil
        }
        expectBare(ending)
        return .scope(values, body)
    }

    private mutating func include(_ content: TagContent) -> Statement? {
        guard !content.isBroken else { return nil }
        do throws(SyntaxFault) {
            var parser = cursor(content, after: 1)
            let node = try parser.expression()
            guard case .constant(.string(let name)) = node.form else {
                throw SyntaxFault(
                    "an include whose name is computed", node.start, node.end,
                    hint: "write the name as a string; choose with {% if %}")
            }
            var ignoresMissing = false
            if parser.isName("ignore"), parser.isName("missing", ahead: 1) {
                parser.skip()
                parser.skip()
                ignoresMissing = true
            }
            if parser.isName("without"), let token = parser.current {
                throw SyntaxFault(
                    "an include without context", token.start, token.end,
                    hint: "an included template always sees the names of the one around it")
            }
            if parser.isName("with"), parser.isName("context", ahead: 1) {
                parser.skip()
                parser.skip()
            }
            try parser.expectEnd()
            return .include(
                Include(
                    name: name, ignoresMissing: ignoresMissing, start: node.start, end: node.end))
        } catch {
            faults.add(error)
            return nil
        }
    }
}
