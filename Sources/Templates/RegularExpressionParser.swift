/// Reads a pattern.
struct RegularExpressionParser {
    typealias Node = RegularExpression.Node
    typealias Refusal = RegularExpression.Refusal

    private let pattern: [Unicode.Scalar]
    private var position = 0
    private var nesting = 0
    private var openGroups: Set<Int> = []
    var flags: RegularExpression.Flags
    private(set) var groupCount = 0
    private(set) var groupNames: [String: Int] = [:]

    init(_ pattern: [Unicode.Scalar], _ flags: RegularExpression.Flags) {
        self.pattern = pattern
        self.flags = flags
    }

    private var next: Unicode.Scalar? { position < pattern.count ? pattern[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard pattern[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    mutating func parse() throws(Refusal) -> Node {
        try globalFlags()
        let node = try alternatives()
        if next != nil { throw Refusal("a \")\" without a \"(\" in the pattern") }
        return node
    }

    /// Flags such as `(?i)`, which must come first.
    private mutating func globalFlags() throws(Refusal) {
        guard pattern.starts(with: "(?".unicodeScalars), pattern.count > 3,
            "ims".unicodeScalars.contains(pattern[2])
        else { return }
        position = 2
        while let flag = next, flag != ")" {
            switch flag {
            case "i": flags.ignoresCase = true
            case "m": flags.isMultiline = true
            case "s": flags.dotIsAll = true
            default: throw Refusal("a flag other than i, m and s in the pattern")
            }
            position += 1
        }
        guard take(")") else { throw Refusal("flags without a \")\" in the pattern") }
    }

    private mutating func alternatives() throws(Refusal) -> Node {
        nesting += 1
        defer { nesting -= 1 }
        if nesting > 40 { throw Refusal("groups nested more than 40 deep in the pattern") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(Refusal) -> Node {
        var nodes: [Node] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let (node, canRepeat) = try atom()
            nodes.append(try repetition(node, canRepeat))
        }
        return .sequence(nodes)
    }

    private mutating func repetition(_ node: Node, _ canRepeat: Bool) throws(Refusal) -> Node {
        guard let (least, most) = try quantifier() else { return node }
        guard canRepeat else { throw Refusal("a repetition of what cannot be repeated") }
        guard most <= 1 || !Self.mayBeEmpty(node) else {
            throw Refusal("a repetition of what may be empty in the pattern")
        }
        let isLazy = take("?")
        if next == "+" { throw Refusal("possessive repetition in the pattern") }
        if try quantifier() != nil { throw Refusal("a repetition of a repetition in the pattern") }
        return .repeated(node, least: least, most: most, isLazy: isLazy)
    }

    private mutating func quantifier() throws(Refusal) -> (Int, Int)? {
        if take("*") { return (0, .max) }
        if take("+") { return (1, .max) }
        if take("?") { return (0, 1) }
        guard next == "{", position + 1 < pattern.count else { return nil }
        let after = pattern[position + 1]
        guard PythonText.isDigit(after) || after == "," else { return nil }
        position += 1
        let least = try number()
        var most = least
        if take(",") { most = try number() ?? .max }
        guard take("}"), least != nil || most != .max else {
            throw Refusal("a \"{\" that is no repetition in the pattern", hint: "write \\{")
        }
        guard let most, least ?? 0 <= most else { throw Refusal("a repetition of {more, less}") }
        return (least ?? 0, most)
    }

    private mutating func number() throws(Refusal) -> Int? {
        var number: Int?
        while let scalar = next, PythonText.isDigit(scalar) {
            number = (number ?? 0) * 10 + Int(scalar.value - 48)
            position += 1
            if let number, number > 1000 { throw Refusal("a repetition of more than 1000") }
        }
        return number
    }

    /// Whether a node can match the empty text.
    private static func mayBeEmpty(_ node: Node) -> Bool {
        switch node {
        case .scalar, .any, .set: false
        case .sequence(let nodes): nodes.allSatisfy(mayBeEmpty)
        case .alternatives(let nodes): nodes.contains(where: mayBeEmpty)
        case .group(_, let node): mayBeEmpty(node)
        case .repeated(let node, let least, _, _): least == 0 || mayBeEmpty(node)
        case .reference, .lineStart, .lineEnd, .textStart, .textEnd, .boundary, .lookahead: true
        }
    }

    private mutating func atom() throws(Refusal) -> (Node, canRepeat: Bool) {
        guard let scalar = next else { throw Refusal("an empty pattern") }
        position += 1
        switch scalar {
        case ".": return (.any, true)
        case "^": return (.lineStart, false)
        case "$": return (.lineEnd, false)
        case "*", "+", "?": throw Refusal("a \"\(scalar)\" with nothing to repeat in the pattern")
        case "(": return try group()
        case "[": return (try set(), true)
        case "\\": return try escape()
        case "{":
            if let after = next, PythonText.isDigit(after) || after == "," {
                throw Refusal("a \"{\" with nothing to repeat in the pattern", hint: "write \\{")
            }
            return (.scalar(scalar), true)
        default: return (.scalar(scalar), true)
        }
    }

    private mutating func group() throws(Refusal) -> (Node, canRepeat: Bool) {
        if take("?:") { return (.group(nil, try closed(alternatives())), true) }
        if take("?=") {
            return (.lookahead(try closed(alternatives()), isNegated: false), false)
        }
        if take("?!") { return (.lookahead(try closed(alternatives()), isNegated: true), false) }
        var name: String?
        if take("?P<") {
            guard let close = pattern[position...].firstIndex(of: ">") else {
                throw Refusal("a group's name without \">\" in the pattern")
            }
            let text = PythonText.string(pattern[position..<close])
            guard let first = text.unicodeScalars.first, PythonText.isNameStart(first),
                text.unicodeScalars.allSatisfy(PythonText.isNamePart), groupNames[text] == nil
            else { throw Refusal("a group's name in the pattern that is invalid or used twice") }
            name = text
            position = close + 1
        } else if next == "?" {
            throw Refusal(
                "a group with \"(?\" that is not accepted here",
                hint: "accepted: (?:…) (?P<name>…) (?=…) (?!…)")
        }
        groupCount += 1
        guard groupCount <= 99 else { throw Refusal("more than 99 groups in the pattern") }
        let number = groupCount
        if let name { groupNames[name] = number }
        openGroups.insert(number)
        let inner = try closed(alternatives())
        openGroups.remove(number)
        return (.group(number, inner), true)
    }

    private mutating func closed(_ node: Node) throws(Refusal) -> Node {
        guard take(")") else { throw Refusal("a \"(\" that is not closed in the pattern") }
        return node
    }

    private mutating func escape() throws(Refusal) -> (Node, canRepeat: Bool) {
        guard let scalar = next else { throw Refusal("a backslash at the pattern's end") }
        switch scalar {
        case "A":
            position += 1
            return (.textStart, false)
        case "Z":
            position += 1
            return (.textEnd, false)
        case "b", "B":
            position += 1
            return (.boundary(isNegated: scalar == "B"), false)
        case "1"..."9":
            position += 1
            var number = Int(scalar.value - 48)
            if let digit = next, PythonText.isDigit(digit) {
                number = number * 10 + Int(digit.value - 48)
                position += 1
                if let digit = next, PythonText.isDigit(digit) {
                    throw Refusal("an octal escape in the pattern")
                }
            }
            guard number <= groupCount, !openGroups.contains(number) else {
                throw Refusal("a reference to group \(number), which is missing or still open")
            }
            return (.reference(number), true)
        default:
            switch try setEscape() {
            case .range(let low, _): return (.scalar(low), true)
            case let item: return (.set([item], isNegated: false), true)
            }
        }
    }

    /// An escape with the same meaning inside and outside a set, after its backslash.
    private mutating func setEscape() throws(Refusal) -> RegularExpression.SetItem {
        guard let scalar = next else { throw Refusal("a backslash at the pattern's end") }
        position += 1
        func single(_ scalar: Unicode.Scalar) -> RegularExpression.SetItem {
            .range(scalar, scalar)
        }
        switch scalar {
        case "d": return .digit(true)
        case "D": return .digit(false)
        case "w": return .word(true)
        case "W": return .word(false)
        case "s": return .space(true)
        case "S": return .space(false)
        case "n": return single("\n")
        case "t": return single("\t")
        case "r": return single("\r")
        case "f": return single("\u{c}")
        case "v": return single("\u{b}")
        case "x": return single(try hexadecimal(2))
        case "u": return single(try hexadecimal(4))
        default:
            if scalar.isASCII, scalar.properties.isAlphabetic || PythonText.isDigit(scalar) {
                throw Refusal("\"\\\(scalar)\" in the pattern is not accepted here")
            }
            return single(scalar)
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(Refusal) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let scalar = next, scalar.isASCII, let digit = Character(scalar).hexDigitValue
            else { throw Refusal("an escape of fewer than \(count) digits in the pattern") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw Refusal("an escape in the pattern that is no character")
        }
        return scalar
    }

    private mutating func set() throws(Refusal) -> Node {
        let isNegated = take("^")
        var items: [RegularExpression.SetItem] = []
        var isFirst = true
        while true {
            guard let scalar = next else {
                throw Refusal("a \"[\" that is not closed in the pattern")
            }
            if scalar == "]", !isFirst {
                position += 1
                return .set(items, isNegated: isNegated)
            }
            isFirst = false
            let low = try setItem()
            guard next == "-", position + 1 < pattern.count, pattern[position + 1] != "]" else {
                items.append(low)
                continue
            }
            position += 1
            let high = try setItem()
            guard case .range(let from, _) = low, case .range(let to, _) = high, from <= to else {
                throw Refusal("a range in the pattern without a valid end", hint: "put \"-\" last")
            }
            items.append(.range(from, to))
        }
    }

    private mutating func setItem() throws(Refusal) -> RegularExpression.SetItem {
        guard let scalar = next else { throw Refusal("a \"[\" that is not closed in the pattern") }
        position += 1
        guard scalar == "\\" else { return .range(scalar, scalar) }
        if next == "b" { throw Refusal("\"\\b\" in a set in the pattern") }
        return try setEscape()
    }
}
