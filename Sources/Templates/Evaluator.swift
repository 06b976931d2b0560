import Diagnostics
import Values

/// Evaluates one template over one context.
///
/// Reading a secret sets `readSecret`, and every result of the same evaluation then counts as
/// secret: this is conservative and cannot be bypassed. Faults never quote values.
final class Evaluator {
    let context: TemplateContext
    /// The origin of the template being evaluated; an include changes it for its duration.
    var origin: Origin
    /// The output so far.
    var output = ""
    /// Whether a secret was read.
    private(set) var readSecret = false
    /// Whether a list contains values that are tuples in Python, which do not compare like lists.
    var madeTuples = false

    private var locals: [(name: String, value: Local)] = []
    /// The start of each scope in `locals`.
    private var scopes: [Int] = []
    var loops: [LoopState] = []
    private var includeDepth = 0
    private var steps = 0
    private var nesting = 0

    /// The meaning of a name that the template defines.
    enum Local {
        case value(Value)
        case namespace(Namespace)
    }

    /// `namespace(…)`: its members may be set in a loop's body and read after the loop.
    final class Namespace {
        var members: [String: Value] = [:]
    }

    /// The name by which the filters of a block set find its text; not a valid name in the
    /// language.
    static let blockText = "{block}"

    init(context: TemplateContext, origin: Origin) {
        self.context = context
        self.origin = origin
    }

    /// The value of a whole expression, marked secret if a secret was read.
    func evaluateWhole(_ node: Node) throws(Faults) -> Value {
        let value = try value(node)
        if readSecret { return .secret(Self.revealed(value)) }
        return value
    }

    // MARK: Faults

    func fault(
        _ code: String, _ summary: String, at node: Node, cause: String? = nil, hint: String? = nil
    ) -> Faults {
        Faults(
            Diagnostic(
                .error, code, summary, at: origin.place(node.start, node.end), cause: cause,
                hint: hint))
    }

    /// Counts steps, so that a template cannot run endlessly.
    func step(_ node: Node, _ count: Int = 1) throws(Faults) {
        steps += count
        if steps > Limits.steps {
            throw fault(
                "template-limit", "the template does more than \(Limits.steps) steps", at: node,
                hint: "loop over fewer elements")
        }
    }

    /// Refuses a text or list that exceeds the size limit.
    func check(size: Int, _ node: Node) throws(Faults) {
        if size > Limits.size {
            throw fault(
                "template-limit", "the result is larger than \(Limits.size) characters", at: node)
        }
    }

    // MARK: Secrets

    /// The value without an outer secret mark, which is recorded.
    func open(_ value: Value) -> Value {
        guard case .secret(let inner) = value else { return value }
        readSecret = true
        return open(inner)
    }

    /// The value without any secret mark, all of which are recorded: for code that looks at the
    /// whole value.
    func openAll(_ value: Value) -> Value {
        switch value {
        case .secret: return openAll(open(value))
        case .list, .map:
            guard value.holdsSecret else { return value }
            readSecret = true
            return Self.revealed(value)
        default: return value
        }
    }

    private static func revealed(_ value: Value) -> Value {
        switch value {
        case .secret(let inner): revealed(inner)
        case .list(let elements): .list(elements.map(revealed))
        case .map(let map): .map(ValueMap(map.pairs.map { ($0.key, revealed($0.value)) }))
        default: value
        }
    }

    // MARK: Names

    /// The value of a name; nil if it is undefined.
    func lookup(_ name: String, _ node: Node) throws(Faults) -> Value? {
        var index = locals.count
        while index > 0 {
            index -= 1
            guard locals[index].name == name else { continue }
            switch locals[index].value {
            case .value(let value): return open(value)
            case .namespace:
                throw fault(
                    "template-type", "\"\(name)\" is a namespace, not a value", at: node,
                    hint: "read one of its members: \(name).…")
            }
        }
        guard let value = try context.lookup(name) else { return nil }
        return open(value)
    }

    func namespace(_ name: String) -> Namespace? {
        for local in locals.reversed() where local.name == name {
            if case .namespace(let namespace) = local.value { return namespace }
            return nil
        }
        return nil
    }

    private func define(_ name: String, _ value: Local) {
        var index = locals.count
        let bottom = scopes.last ?? 0
        while index > bottom {
            index -= 1
            if locals[index].name == name {
                locals[index].value = value
                return
            }
        }
        locals.append((name, value))
    }

    private func pushScope() { scopes.append(locals.count) }

    private func popScope() {
        guard let bottom = scopes.popLast() else { return }
        locals.removeSubrange(bottom...)
    }

    /// The names that hints may suggest when a name is undefined.
    var knownNames: [String] {
        locals.map(\.name).filter { $0 != Self.blockText } + context.knownNames()
    }

    // MARK: Statements

    func run(_ statements: [Statement]) throws(Faults) {
        for statement in statements { try run(statement) }
    }

    private func run(_ statement: Statement) throws(Faults) {
        switch statement {
        case .text(let text): output += text
        case .output(let node):
            output += try splice(value(node), node)
            try check(size: output.utf8.count, node)
        case .conditional(let branches, let otherwise):
            for branch in branches {
                try step(branch.condition)
                if try isTrue(value(branch.condition), branch.condition) {
                    try run(branch.body)
                    return
                }
            }
            try run(otherwise)
        case .loop(let loop): try run(loop)
        case .assign(let targets, let node): try assign(targets, node)
        case .assignMember(let name, let member, let node):
            guard let namespace = namespace(name) else {
                throw fault(
                    "template-type", "\"\(name)\" is not a namespace", at: node,
                    hint: "make one first: {% set \(name) = namespace(\(member)=…) %}")
            }
            namespace.members[member] = try value(node)
        case .assignBlock(let name, let body, let filters):
            try assignBlock(name, body, filters)
        case .scope(let values, let body):
            var evaluated: [(String, Local)] = []
            for (name, node) in values { evaluated.append((name, try local(node))) }
            pushScope()
            defer { popScope() }
            for (name, value) in evaluated { define(name, value) }
            try run(body)
        case .include(let include): try run(include)
        }
    }

    private func local(_ node: Node) throws(Faults) -> Local {
        guard case .namespace(let arguments, let names) = node.form else {
            return .value(try value(node))
        }
        let namespace = Namespace()
        for (name, argument) in zip(names, arguments.bound) {
            if let argument { namespace.members[name] = try value(argument) }
        }
        return .namespace(namespace)
    }

    private func assign(_ targets: [String], _ node: Node) throws(Faults) {
        try step(node)
        guard targets.count > 1 else {
            define(targets[0], try local(node))
            return
        }
        let values = try unpack(value(node), targets.count, node)
        for (name, value) in zip(targets, values) { define(name, .value(value)) }
    }

    /// The elements of a list, which must have as many elements as there are names.
    private func unpack(_ value: Value, _ count: Int, _ node: Node) throws(Faults) -> [Value] {
        guard case .list(let elements) = open(value) else {
            throw fault(
                "template-type", "\(value.kindText) cannot be unpacked into \(count) names",
                at: node, hint: "over a map, loop over its items()")
        }
        guard elements.count == count else {
            throw fault(
                "template-type",
                "a list of \(elements.count) cannot be unpacked into \(count) names", at: node)
        }
        return elements
    }

    private func assignBlock(
        _ name: String, _ body: [Statement], _ filters: Node?
    ) throws(Faults) {
        let outer = output
        output = ""
        pushScope()
        do throws(Faults) {
            try run(body)
        } catch {
            popScope()
            output = outer
            throw error
        }
        popScope()
        let text = output
        output = outer
        guard let filters else {
            define(name, .value(.string(text)))
            return
        }
        pushScope()
        defer { popScope() }
        define(Self.blockText, .value(.string(text)))
        let value = try value(filters)
        locals.removeLast()
        popScope()
        define(name, .value(value))
        pushScope()
    }

    private func run(_ loop: Loop) throws(Faults) {
        let isUnpacked = loop.targets.count > 1
        let hadTuples = madeTuples
        var elements = try iterated(loop.iterated)
        // The pairs are unpacked at once and never become list elements.
        if isUnpacked { madeTuples = hadTuples }
        if let condition = loop.condition {
            var kept: [Value] = []
            for element in elements {
                try step(condition)
                pushScope()
                defer { popScope() }
                try bind(loop, element)
                if try isTrue(value(condition), condition) { kept.append(element) }
            }
            elements = kept
        }
        guard !elements.isEmpty else {
            pushScope()
            defer { popScope() }
            try run(loop.otherwise)
            return
        }
        loops.append(LoopState(elements: elements))
        defer { loops.removeLast() }
        for index in elements.indices {
            try step(loop.iterated)
            loops[loops.count - 1].index = index
            pushScope()
            defer { popScope() }
            try bind(loop, elements[index])
            try run(loop.body)
        }
    }

    private func bind(_ loop: Loop, _ element: Value) throws(Faults) {
        if loop.targets.count == 1 {
            define(loop.targets[0], .value(element))
            return
        }
        let values = try unpack(element, loop.targets.count, loop.iterated)
        for (name, value) in zip(loop.targets, values) { define(name, .value(value)) }
    }

    private func run(_ include: Include) throws(Faults) {
        let node = Node(.constant(.null), include.start, include.end, depth: 1)
        guard includeDepth < Limits.includes else {
            throw fault(
                "template-limit", "includes nested more than \(Limits.includes) deep", at: node,
                hint: "does \"\(include.name)\" include itself?")
        }
        guard let template = try context.include(include.name) else {
            if include.ignoresMissing { return }
            throw fault("missing-include", "no template \"\(include.name)\"", at: node)
        }
        let outer = origin
        let outerLoops = loops
        includeDepth += 1
        loops = []
        origin = template.origin
        pushScope()
        defer {
            popScope()
            origin = outer
            loops = outerLoops
            includeDepth -= 1
        }
        do throws(Faults) {
            try run(template.body)
        } catch {
            let place = outer.place(include.start, include.end)
            throw Faults(
                error.all.map {
                    var diagnostic = $0
                    if diagnostic.related.count < Limits.shownIncludes {
                        diagnostic.related.append(.init(place, "included here"))
                    }
                    return diagnostic
                })
        }
    }

    // MARK: Nesting of evaluation

    /// Runs a step of the recursion over nodes, whose depth the parser has bounded.
    func value(_ node: Node) throws(Faults) -> Value {
        if let value = try optional(node) { return value }
        throw undefined(node)
    }
}

/// The position of a loop.
struct LoopState {
    let elements: [Value]
    var index = 0
    /// What `loop.changed` was last called with.
    var changed: [Value]?

    init(elements: [Value]) { self.elements = elements }
}

/// Limits on one rendering.
enum Limits {
    static let steps = 2_000_000
    static let size = 32 << 20
    static let includes = 20
    /// How many of the includes around a fault are shown.
    static let shownIncludes = 4
    static let range = 100_000
}
