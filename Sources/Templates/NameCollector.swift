import Diagnostics
import Values

/// Collects the names that a template reads but does not define.
struct NameCollector {
    private let origin: Origin
    private(set) var uses: [NameUse] = []
    private(set) var includes: [(name: String, place: Place)] = []
    /// Faults in the order of reading and setting names.
    private(set) var faults: [SyntaxFault] = []
    /// The enclosing scopes, the innermost last.
    private var scopes = [Scope()]

    private struct Scope {
        /// The names set or bound so far.
        var names: Set<String>
        /// The names that are set on every path through the scope.
        var certainNames: Set<String>
        /// The number of enclosing `if` branches inside this scope.
        var branches = 0
        /// The names that scopes inside this one read before this one has set them.
        var readInside: [String: Node] = [:]

        init(_ names: [String] = []) {
            self.names = Set(names)
            certainNames = self.names
        }
    }

    init(origin: Origin) { self.origin = origin }

    /// The constant path that a node reads: `facts.nics[0].name` gives `facts.nics`; nil if the
    /// node does not begin with a name.
    static func path(of node: Node) -> [String]? { wholePath(of: node)?.path }

    private static func wholePath(of node: Node) -> (path: [String], isWhole: Bool)? {
        switch node.form {
        case .name(let name): return ([name], true)
        case .attribute(let base, let name): return adding(name, to: base)
        case .subscripted(let base, let key):
            if case .constant(.string(let name)) = key.form { return adding(name, to: base) }
            guard let whole = wholePath(of: base) else { return nil }
            return (whole.path, false)
        default: return nil
        }
    }

    private static func adding(_ name: String, to base: Node) -> (path: [String], isWhole: Bool)? {
        guard let whole = wholePath(of: base) else { return nil }
        return (whole.isWhole ? whole.path + [name] : whole.path, whole.isWhole)
    }

    // MARK: Statements

    mutating func collect(_ statements: [Statement]) {
        for statement in statements { collect(statement) }
    }

    private mutating func collectBranch(_ statements: [Statement]) {
        scopes[scopes.count - 1].branches += 1
        collect(statements)
        scopes[scopes.count - 1].branches -= 1
    }

    private mutating func collect(_ statement: Statement) {
        switch statement {
        case .text: break
        case .output(let node): collect(node)
        case .conditional(let branches, let otherwise):
            for branch in branches {
                collect(branch.condition)
                collectBranch(branch.body)
            }
            collectBranch(otherwise)
        case .loop(let loop):
            collect(loop.iterated)
            scopes.append(Scope(loop.targets))
            if let condition = loop.condition { collect(condition) }
            collect(loop.body)
            scopes.removeLast()
            scopes.append(Scope())
            collect(loop.otherwise)
            scopes.removeLast()
        case .assign(let targets, let node):
            collect(node)
            for target in targets { define(target, at: node) }
        case .assignMember(_, _, let node): collect(node)
        case .assignBlock(let name, let body, let filters):
            scopes.append(Scope())
            collect(body)
            scopes.removeLast()
            scopes.append(Scope([Evaluator.blockText]))
            if let filters { collect(filters) }
            scopes.removeLast()
            define(name, at: nil)
        case .scope(let values, let body):
            for (_, node) in values { collect(node) }
            scopes.append(Scope(values.map(\.name)))
            collect(body)
            scopes.removeLast()
        case .include(let include):
            includes.append((include.name, origin.place(include.start, include.end)))
        }
    }

    /// Records that the current scope sets a name.
    ///
    /// In Jinja2 a name that a scope sets belongs to it from the beginning: before it is set, a
    /// loop inside the scope finds it undefined, even if the context has it. This is refused,
    /// because it is surprising.
    private mutating func define(_ name: String, at node: Node?) {
        if let reader = scopes[scopes.count - 1].readInside[name] {
            var fault = SyntaxFault(
                "undefined-name", "\"\(name)\" is read here and set further down", reader.start,
                reader.end, cause: "inside a loop or block, Jinja2 takes it for undefined",
                hint: "set it before, or under another name")
            if let node { fault.related = [(node.start, node.end, "set here")] }
            faults.append(fault)
        }
        scopes[scopes.count - 1].names.insert(name)
        if scopes[scopes.count - 1].branches == 0 {
            scopes[scopes.count - 1].certainNames.insert(name)
        }
    }

    // MARK: Expressions

    mutating func collect(_ node: Node, mayBeUndefined: Bool = false) {
        switch node.form {
        case .constant: break
        case .name, .attribute, .subscripted: read(node, mayBeUndefined)
        case .slice(let base, let start, let end, let step):
            collect(base, mayBeUndefined: mayBeUndefined)
            for part in [start, end, step] { if let part { collect(part) } }
        case .list(let nodes), .tuple(let nodes), .concatenation(let nodes):
            for node in nodes { collect(node) }
        case .map(let pairs):
            for pair in pairs {
                collect(pair.key)
                collect(pair.value)
            }
        case .not(let operand), .negated(let operand), .positive(let operand): collect(operand)
        case .both(let left, let right), .either(let left, let right),
            .arithmetic(_, let left, let right):
            collect(left)
            collect(right)
        case .comparison(let first, let operands):
            collect(first)
            for operand in operands { collect(operand.operand) }
        case .conditional(let condition, let then, let otherwise):
            collect(condition)
            collect(then, mayBeUndefined: mayBeUndefined)
            if let otherwise { collect(otherwise, mayBeUndefined: mayBeUndefined) }
        case .filtered(let subject, let filter, let arguments):
            collect(subject, mayBeUndefined: filter.takesUndefined)
            collect(arguments, mayBeUndefined: filter.takesUndefined && mayBeUndefined)
        case .mappedAttribute(let subject, _, let fallback):
            collect(subject)
            if let fallback { collect(fallback) }
        case .mappedFilter(let subject, _, let arguments):
            collect(subject)
            collect(arguments)
        case .selection(let subject, _, let use, _):
            collect(subject)
            if let use { collect(use.arguments) }
        case .tested(let subject, let use):
            collect(subject, mayBeUndefined: use.test.takesUndefined)
            collect(use.arguments)
        case .method(let subject, _, let arguments):
            collect(subject)
            collect(arguments)
        case .range(let arguments), .namespace(let arguments, _), .loop(_, let arguments):
            collect(arguments)
        }
    }

    private mutating func collect(_ arguments: Arguments, mayBeUndefined: Bool = false) {
        for node in arguments.bound {
            if let node { collect(node, mayBeUndefined: mayBeUndefined) }
        }
        for node in arguments.rest { collect(node, mayBeUndefined: mayBeUndefined) }
    }

    /// Records the reading of a path, unless the template defines its first name.
    private mutating func read(_ node: Node, _ mayBeUndefined: Bool) {
        guard let path = Self.path(of: node) else {
            // A member of a computed value: the names are inside the computation.
            switch node.form {
            case .attribute(let base, _): collect(base, mayBeUndefined: mayBeUndefined)
            case .subscripted(let base, let key):
                collect(base, mayBeUndefined: mayBeUndefined)
                collect(key)
            default: break
            }
            return
        }
        defer { collectKeys(node) }
        let name = path[0]
        for index in scopes.indices.dropLast().reversed() {
            if scopes[index + 1].certainNames.contains(name) { break }
            if scopes[index].names.contains(name) || scopes[index].readInside[name] != nil {
                continue
            }
            scopes[index].readInside[name] = node
        }
        guard !scopes.contains(where: { $0.names.contains(name) }) else { return }
        uses.append(
            NameUse(
                path: path, mayBeUndefined: mayBeUndefined, origin: origin, start: node.start,
                end: node.end))
    }

    /// Computed keys inside a path read names of their own.
    private mutating func collectKeys(_ node: Node) {
        switch node.form {
        case .attribute(let base, _): collectKeys(base)
        case .subscripted(let base, let key):
            collect(key)
            collectKeys(base)
        default: break
        }
    }
}
