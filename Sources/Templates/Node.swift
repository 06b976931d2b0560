import Values

/// One node of an expression, with the offsets of its text.
final class Node: Sendable {
    let form: Form
    let start: Int
    let end: Int
    /// The depth of the tree under the node; bounded, because evaluation recurses.
    let depth: Int

    /// The deepest tree accepted: `a + b + c …` is one level per operator.
    static let depthLimit = 200

    init(_ form: Form, _ start: Int, _ end: Int, depth: Int) {
        self.form = form
        self.start = start
        self.end = end
        self.depth = depth
    }
}

/// What a node is.
enum Form: Sendable {
    case constant(Value)
    case name(String)
    case attribute(Node, String)
    case subscripted(Node, Node)
    case slice(Node, start: Node?, end: Node?, step: Node?)
    case list([Node])
    case tuple([Node])
    case map([(key: Node, value: Node)])
    case not(Node)
    case negated(Node)
    case positive(Node)
    case both(Node, Node)
    case either(Node, Node)
    case comparison(Node, [(operation: Comparison, operand: Node)])
    case arithmetic(Arithmetic, Node, Node)
    case concatenation([Node])
    case conditional(Node, then: Node, otherwise: Node?)
    case filtered(Node, Filter, Arguments)
    /// `map(attribute='a.b', default=…)`.
    case mappedAttribute(Node, [PathPart], fallback: Node?)
    /// `map('upper')`.
    case mappedFilter(Node, Filter, Arguments)
    /// `select`, `reject`, `selectattr`, `rejectattr`.
    case selection(Node, attribute: [PathPart], test: TestUse?, keeps: Bool)
    case tested(Node, TestUse)
    case method(Node, Method, Arguments)
    case range(Arguments)
    case namespace(Arguments, names: [String])
    case loop(LoopField, Arguments)

    /// Whether Jinja2 treats the value as HTML, which escapes text that is joined to it.
    var isMarkup: Bool {
        switch self {
        case .filtered(_, let filter, _), .mappedFilter(_, let filter, _): filter.givesMarkup
        case .conditional(_, let then, let otherwise):
            then.form.isMarkup || otherwise?.form.isMarkup ?? false
        default: false
        }
    }

    /// Whether the value is one of Python's views or tuples, which are accepted only in some
    /// places.
    var isView: Bool {
        switch self {
        case .tuple, .range: true
        case .method(_, let method, _): method.givesView
        default: false
        }
    }
}

/// A comparison operator.
enum Comparison: Sendable {
    case equal, unequal, less, lessOrEqual, greater, greaterOrEqual, contained, notContained
}

/// An arithmetic operator.
enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case remainder = "%"
    case power = "**"
}

/// The arguments of a filter, test or method, bound to its parameters when parsed.
struct Arguments: Sendable {
    /// One node per parameter; nil if it was not given.
    var bound: [Node?]
    /// Further arguments after the parameters, if the signature allows them.
    var rest: [Node]

    static let none = Arguments(bound: [], rest: [])
}

/// A test and its arguments: `is divisibleby 3`.
struct TestUse: Sendable {
    let test: Test
    let arguments: Arguments
}

/// A step of `attribute='a.0.b'`.
enum PathPart: Sendable, Equatable {
    case key(String)
    case index(Int)
}

/// The members of `loop`.
enum LoopField: String, Sendable, CaseIterable {
    case index, index0, revindex, revindex0, first, last, length, previtem, nextitem, cycle, changed
    case depth, depth0
}

/// A statement of a template.
indirect enum Statement: Sendable {
    case text(String)
    case output(Node)
    case conditional([(condition: Node, body: [Statement])], otherwise: [Statement])
    case loop(Loop)
    case assign([String], Node)
    case assignMember(namespace: String, member: String, Node)
    case assignBlock(String, [Statement], filters: Node?)
    case scope([(name: String, value: Node)], [Statement])
    case include(Include)
}

/// A `for` with everything that belongs to it.
struct Loop: Sendable {
    let targets: [String]
    let iterated: Node
    let condition: Node?
    let body: [Statement]
    let otherwise: [Statement]
}

/// An `include`.
struct Include: Sendable {
    let name: String
    let ignoresMissing: Bool
    let start: Int
    let end: Int
}
