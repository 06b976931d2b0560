/// Matches by backtracking, as Python does, with a bound on the work.
final class RegularExpressionMatcher {
    typealias Refusal = RegularExpression.Refusal

    private let expression: RegularExpression
    private let text: [Unicode.Scalar]
    private var groups: [Range<Int>?]
    private var steps = 0
    private var depth = 0
    /// A match that ends at this position does not count, since the last match was empty and ended
    /// there too.
    private var forbiddenEnd: Int?
    private var end = 0

    private static let stepLimit = 2_000_000
    private static let depthLimit = 800

    init(_ expression: RegularExpression, _ text: [Unicode.Scalar]) {
        self.expression = expression
        self.text = text
        groups = Array(repeating: nil, count: expression.groupCount + 1)
    }

    /// The rest of the pattern that is still to be matched.
    private final class Rest {
        let task: Task
        let next: Rest?

        init(_ task: Task, _ next: Rest?) {
            self.task = task
            self.next = next
        }
    }

    private enum Task {
        case node(RegularExpression.Node)
        /// The end of a group that began at a position.
        case close(Int, start: Int)
        /// The point after this many rounds of a repetition.
        case again(RegularExpression.Node, least: Int, most: Int, isLazy: Bool, count: Int)
        /// The end of a lookahead.
        case accept
    }

    /// The match that begins at a position.
    func match(at start: Int, mustAdvance: Bool) throws(Refusal) -> RegularExpression.Match? {
        for index in groups.indices { groups[index] = nil }
        forbiddenEnd = mustAdvance ? start : nil
        guard try run(Rest(.node(expression.root), nil), start) else { return nil }
        groups[0] = start..<end
        return RegularExpression.Match(groups: groups)
    }

    private func count(_ node: RegularExpression.Node) throws(Refusal) {
        steps += 1
        if steps > Self.stepLimit {
            throw Refusal(
                "the pattern takes too long on this text", hint: "repeat less inside repetitions")
        }
    }

    /// Tries one alternative; its changes to the groups are undone if it fails.
    private func attempt(_ rest: Rest?, _ position: Int) throws(Refusal) -> Bool {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthLimit {
            throw Refusal("the pattern goes too deep on this text", hint: "match a shorter text")
        }
        let saved = groups
        if try run(rest, position) { return true }
        groups = saved
        return false
    }

    private func run(_ rest: Rest?, _ position: Int) throws(Refusal) -> Bool {
        var rest = rest
        var position = position
        while let current = rest {
            let next = current.next
            switch current.task {
            case .accept: return true
            case .close(let number, let start):
                groups[number] = start..<position
                rest = next
            case .again(let node, let least, let most, let isLazy, let rounds):
                let another = Rest(
                    .node(node),
                    Rest(
                        .again(node, least: least, most: most, isLazy: isLazy, count: rounds + 1),
                        next))
                if rounds < least {
                    rest = another
                } else if rounds >= most {
                    rest = next
                } else if isLazy {
                    if try attempt(next, position) { return true }
                    rest = another
                } else {
                    if try attempt(another, position) { return true }
                    rest = next
                }
            case .node(let node):
                try count(node)
                switch node {
                case .scalar, .any, .set:
                    guard position < text.count, try matches(node, text[position]) else {
                        return false
                    }
                    position += 1
                    rest = next
                case .sequence(let nodes):
                    var chain = next
                    for node in nodes.reversed() { chain = Rest(.node(node), chain) }
                    rest = chain
                case .alternatives(let branches):
                    for branch in branches {
                        if try attempt(Rest(.node(branch), next), position) { return true }
                    }
                    return false
                case .group(let number, let inner):
                    rest = Rest(
                        .node(inner), number.map { Rest(.close($0, start: position), next) } ?? next
                    )
                case .repeated(let inner, let least, let most, let isLazy):
                    switch inner {
                    case .scalar, .any, .set:
                        return try repeated(inner, least, most, isLazy, position, next)
                    default:
                        rest = Rest(
                            .again(inner, least: least, most: most, isLazy: isLazy, count: 0), next)
                    }
                case .lookahead(let inner, let isNegated):
                    let saved = groups
                    let found = try attempt(Rest(.node(inner), Rest(.accept, nil)), position)
                    if found == isNegated { return false }
                    if isNegated { groups = saved }
                    rest = next
                case .reference(let number):
                    guard let range = groups[number] else { return false }
                    for index in range {
                        guard position < text.count,
                            try folded(text[position]) == folded(text[index])
                        else { return false }
                        position += 1
                    }
                    rest = next
                default:
                    guard try holds(node, position) else { return false }
                    rest = next
                }
            }
        }
        guard position != forbiddenEnd else { return false }
        end = position
        return true
    }

    /// A repetition of a single code point, without one recursion per round.
    private func repeated(
        _ node: RegularExpression.Node, _ least: Int, _ most: Int, _ isLazy: Bool,
        _ position: Int, _ next: Rest?
    ) throws(Refusal) -> Bool {
        var rounds = 0
        if isLazy {
            while true {
                if rounds >= least, try attempt(next, position + rounds) { return true }
                try count(node)
                guard rounds < most, position + rounds < text.count,
                    try matches(node, text[position + rounds])
                else { return false }
                rounds += 1
            }
        }
        while rounds < most, position + rounds < text.count,
            try matches(node, text[position + rounds])
        {
            try count(node)
            rounds += 1
        }
        while rounds >= least {
            try count(node)
            if try attempt(next, position + rounds) { return true }
            rounds -= 1
        }
        return false
    }

    // MARK: Places

    private func holds(_ node: RegularExpression.Node, _ position: Int) throws(Refusal) -> Bool {
        switch node {
        case .textStart: return position == 0
        case .textEnd: return position == text.count
        case .lineStart:
            return position == 0 || expression.flags.isMultiline && text[position - 1] == "\n"
        case .lineEnd:
            if position == text.count { return true }
            guard text[position] == "\n" else { return false }
            return position == text.count - 1 || expression.flags.isMultiline
        case .boundary(let isNegated):
            // In an empty text neither `\b` nor `\B` matches.
            if text.isEmpty { return false }
            let before = position > 0 ? try isWord(text[position - 1]) : false
            let after = position < text.count ? try isWord(text[position]) : false
            return (before != after) != isNegated
        default: return false
        }
    }

    // MARK: Code points

    private func matches(
        _ node: RegularExpression.Node, _ scalar: Unicode.Scalar
    ) throws(Refusal) -> Bool {
        switch node {
        case .any: return scalar != "\n" || expression.flags.dotIsAll
        case .scalar(let wanted): return try folded(wanted) == folded(scalar)
        case .set(let items, let isNegated):
            if expression.flags.ignoresCase {
                let lower = try folded(scalar)
                let upper = Self.upper(lower)
                for item in items {
                    if case .range(let low, let high) = item, !(low.isASCII && high.isASCII) {
                        throw Refusal("case ignored among other than ASCII characters")
                    }
                    if try contains(item, lower) { return !isNegated }
                    if try contains(item, upper) { return !isNegated }
                }
                return isNegated
            }
            for item in items {
                if try contains(item, scalar) { return !isNegated }
            }
            return isNegated
        default: return false
        }
    }

    private func contains(
        _ item: RegularExpression.SetItem, _ scalar: Unicode.Scalar
    ) throws(Refusal) -> Bool {
        switch item {
        case .range(let low, let high): return low <= scalar && scalar <= high
        case .digit(let isDigit): return try Self.isDecimal(scalar) == isDigit
        case .word(let isWord): return try self.isWord(scalar) == isWord
        case .space(let isSpace): return PythonText.isSpace(scalar) == isSpace
        }
    }

    /// The code point for comparing: in lower case if case is ignored, which is certain to agree
    /// with Python only for ASCII.
    private func folded(_ scalar: Unicode.Scalar) throws(Refusal) -> Unicode.Scalar {
        guard expression.flags.ignoresCase else { return scalar }
        guard scalar.isASCII else {
            throw Refusal("case ignored among other than ASCII characters")
        }
        guard scalar >= "A", scalar <= "Z" else { return scalar }
        return Unicode.Scalar(scalar.value + 32) ?? scalar
    }

    private static func upper(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard scalar >= "a", scalar <= "z" else { return scalar }
        return Unicode.Scalar(scalar.value - 32) ?? scalar
    }

    /// Refuses a character for which Python's Unicode tables, which are older, may differ.
    private static func known(_ scalar: Unicode.Scalar) throws(Refusal) -> Unicode.Scalar.Properties
    {
        let properties = scalar.properties
        if let age = properties.age, age.major > 12 {
            throw Refusal("a character too new to be in every Unicode table")
        }
        return properties
    }

    private static func isDecimal(_ scalar: Unicode.Scalar) throws(Refusal) -> Bool {
        if scalar.isASCII { return PythonText.isDigit(scalar) }
        return try known(scalar).generalCategory == .decimalNumber
    }

    private func isWord(_ scalar: Unicode.Scalar) throws(Refusal) -> Bool {
        if scalar.isASCII { return PythonText.isNamePart(scalar) }
        let properties = try Self.known(scalar)
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return true
        default: return properties.numericType != nil
        }
    }
}
