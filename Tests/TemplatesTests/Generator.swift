import Wire

/// Templates, expressions and values from a seed: mostly well-typed, with mistakes in between.
struct Generator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    // MARK: Choices

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    // MARK: Values

    enum Kind: CaseIterable { case integer, float, string, bool, integers, strings, maps, map }

    static let names: [Kind: [String]] = [
        .integer: ["n", "m", "port"], .float: ["f", "g"], .string: ["s", "t", "word"],
        .bool: ["yes_", "no_"], .integers: ["li"], .strings: ["ls"], .maps: ["lm"],
        .map: ["d", "facts.nics"],
    ]

    mutating func integer() -> Int {
        pick([0, 1, 2, 3, 7, 10, -1, -4, 64, 1024, below(100_000), -below(5000)])
    }

    mutating func float() -> Double {
        pick([
            0.0, 0.5, 1.0, -2.5, 0.1, 3.14159, 1e16, 1.5e-7, 123456.789, 1e22, -0.0, 2.675,
            Double(below(10000)) / 8, Double(below(1_000_000)) / 1000, 9_007_199_254_740_993.0,
        ])
    }

    mutating func text() -> String {
        pick([
            "", "a", "eth0", "Feed Handler", "  padded\t", "line\nbreak\n", "42", "-7", "3.5",
            "0x1f", "yes", "no", "true", "it's", "\"q\"", "a,b,,c", "1.2.10", "6.1.0-13-amd64",
            "straße", "ÉCLAIR", "日本", "e\u{301}", "<b>&", "x=1 y=2", "/etc/sysctl.d/a.conf",
            "\u{a0}nbsp\u{2003}", "back\\slash", "null", "ABC", "abc", "zeta", "-", "\r\n",
        ])
    }

    /// Values for every name the templates use.
    mutating func values() -> JSON {
        var nics: [String: JSON] = [:]
        for name in ["ens1f0", "eth0", "items"].prefix(1 + below(3)) {
            nics[name] = .object(["speed": .integer(integer()), "driver": .string(text())])
        }
        var map: [String: JSON] = [:]
        for key in ["a", "b", "B", "key", "name"].prefix(below(6)) {
            map[key] = .integer(integer())
        }
        let lists = (0..<3).map { _ in below(5) }
        var maps: [JSON] = []
        for index in 0..<lists[2] {
            var one: [String: JSON] = [
                "name": .string(text()), "port": .integer(integer()), "on": .bool(chance(50)),
                "tags": .array([.string("x"), .string(text())]), "rank": .integer(index),
            ]
            if chance(30) { one["extra"] = .number(float()) }
            maps.append(.object(one))
        }
        return .object([
            "n": .integer(integer()), "m": .integer(integer()), "port": .integer(below(65536)),
            "f": .number(float()), "g": .number(float()),
            "s": .string(text()), "t": .string(text()),
            "word": .string(pick(["alpha", "Beta", "x"])),
            "yes_": .bool(true), "no_": .bool(false), "nothing": .null,
            "li": .array((0..<lists[0]).map { _ in .integer(integer()) }),
            "ls": .array((0..<lists[1]).map { _ in .string(text()) }),
            "lm": .array(maps), "d": .object(map),
            "facts": .object(["nics": .object(nics), "cpu": .object(["count": .integer(8)])]),
        ])
    }

    // MARK: Expressions

    /// Loop variables in scope, by kind.
    private var locals: [(Kind, String)] = []

    /// An expression that stands anywhere: in brackets where it is more than a name or a literal.
    mutating func expression(_ kind: Kind, _ depth: Int) -> String {
        let text = bare(kind, depth)
        let isSimple = text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0 == "_" || $0 == "."
        }
        if isSimple || text.hasPrefix("[") && !text.contains("]") { return text }
        if chance(4) { return text }
        return "(\(text))"
    }

    private mutating func bare(_ kind: Kind, _ depth: Int) -> String {
        if chance(2) { return anything(depth) }
        if depth <= 0 || chance(20) { return leaf(kind) }
        let inner = depth - 1
        if chance(6) {
            return
                "(\(expression(kind, inner)) if \(expression(.bool, inner)) else \(expression(kind, inner)))"
        }
        if chance(3) {
            return
                "\(pick(["missing", "d.nope", "facts.no.such", "nothing"])) | default(\(expression(kind, inner)))"
        }
        if chance(3) { return "(\(expression(kind, inner)))" }
        switch kind {
        case .integer: return integerExpression(inner)
        case .float: return floatExpression(inner)
        case .string: return stringExpression(inner)
        case .bool: return boolExpression(inner)
        case .integers: return integersExpression(inner)
        case .strings: return stringsExpression(inner)
        case .maps: return mapsExpression(inner)
        case .map: return mapExpression(inner)
        }
    }

    /// Something of whatever kind, or a mistake.
    private mutating func anything(_ depth: Int) -> String {
        switch below(10) {
        case 0: return "missing"
        case 1: return "nothing"
        case 2: return "d.items"
        case 3: return "\(leaf(.integer))\(pick([" +", " )", " |", "..", " ==", " is"]))"
        default: return expression(pick(Kind.allCases), depth - 1)
        }
    }

    private mutating func leaf(_ kind: Kind) -> String {
        let inScope = locals.filter { $0.0 == kind }.map(\.1)
        if !inScope.isEmpty, chance(50) { return pick(inScope) }
        if chance(60), let names = Self.names[kind] { return pick(names) }
        switch kind {
        case .integer:
            return pick(["0", "1", "2", "3", "10", "0x1f", "1_000", "0b101", "0o17", "255"])
        case .float: return pick(["0.5", "1.0", "2.5e3", "1e-5", "0.1", "3.0"])
        case .string: return literal(text())
        case .bool: return pick(["true", "false", "True", "False"])
        case .integers:
            return pick(["[]", "[1]", "[3, 1, 2]", "[1, 1, 2]", "range(4) | list", "[0, -1]"])
        case .strings:
            return pick(["[]", "['a']", "['b', 'A', 'a']", "['x', 'y', 'x']", "'a b'.split()"])
        case .maps: return pick(["lm", "[]", "[{'name': 'q', 'port': 1, 'on': true}]"])
        case .map: return pick(["{}", "{'a': 1}", "{'b': 2, 'a': 1}", "facts.nics", "d"])
        }
    }

    private mutating func literal(_ text: String) -> String {
        let quote = chance(70) ? "'" : "\""
        var result = quote
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\\": result += "\\\\"
            case "'", "\"": result += "\\" + String(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + quote
    }

    private mutating func integerExpression(_ depth: Int) -> String {
        let a = expression(.integer, depth)
        switch below(14) {
        case 0, 1: return "\(a) \(pick(["+", "-", "*"])) \(expression(.integer, depth))"
        case 2: return "\(a) \(pick(["//", "%"])) \(expression(.integer, depth))"
        case 3: return "\(a) ** \(pick(["2", "3", "0"]))"
        case 4: return "-\(a)"
        case 5:
            return
                "\(expression(pick([.string, .integers, .strings, .maps, .map]), depth)) | \(pick(["length", "count"]))"
        case 6:
            return
                "\(expression(.integers, depth)) | \(pick(["first", "last", "max", "min", "sum"]))"
        case 7: return "\(expression(.float, depth)) | int"
        case 8: return "\(expression(.string, depth)) | int(\(leaf(.integer)))"
        case 9: return "\(expression(.integers, depth))[\(pick(["0", "-1", "1"]))]"
        case 10: return "\(expression(.maps, depth)) | sum(attribute='port')"
        case 11:
            return
                "\(expression(.map, depth)).get(\(pick(["'a'", "'b'", "'zz'"])), \(leaf(.integer)))"
        case 12: return "\(a) | abs"
        default:
            return pick([
                "d.a", "d['b']", "lm[0].port", "facts.cpu.count",
                "lm | map(attribute='port') | max",
            ])
        }
    }

    private mutating func floatExpression(_ depth: Int) -> String {
        let a = expression(.float, depth)
        switch below(9) {
        case 0, 1:
            return "\(a) \(pick(["+", "-", "*"])) \(expression(pick([.float, .integer]), depth))"
        case 2: return "\(expression(.integer, depth)) / \(expression(.integer, depth))"
        case 3: return "\(a) \(pick(["//", "%", "/"])) \(expression(.float, depth))"
        case 4:
            return "\(a) | round(\(pick(["", "1", "2", "0, 'ceil'", "1, 'floor'", "3, 'common'"])))"
        case 5: return "\(expression(.integer, depth)) | float"
        case 6: return "\(expression(.string, depth)) | float(\(leaf(.float)))"
        case 7: return "\(a) ** \(pick(["2", "0.5", "-1"]))"
        default: return "\(a) | abs"
        }
    }

    private mutating func stringExpression(_ depth: Int) -> String {
        let a = expression(.string, depth)
        switch below(34) {
        case 0, 1:
            return "\(a) ~ \(expression(pick([.string, .integer, .float, .string, .bool]), depth))"
        case 2: return "\(a) + \(expression(.string, depth))"
        case 3: return "\(a) | \(pick(["lower", "upper", "title", "capitalize", "trim", "string"]))"
        case 4: return "\(a) | replace(\(leaf(.string)), \(leaf(.string)))"
        case 5:
            return
                "\(expression(.strings, depth)) | join(\(pick(["','", "' '", "", "d=':'", "'\\n'"])))"
        case 6: return "\(expression(.integers, depth)) | join(\(pick(["','", "''"])))"
        case 7: return "\(a) | indent(\(pick(["", "2", "first=true", "'> ', blank=true"])))"
        case 8: return "\(a) | quote"
        case 9: return "\(a)[\(pick(["0", "-1", "1:3", ":-1", "::-1", "1:", "::2", "-3:"]))]"
        case 10:
            return
                "\(a).\(pick(["upper()", "lower()", "strip()", "lstrip()", "rstrip('\\n')", "zfill(6)"]))"
        case 11: return "\(a).replace('a', 'b')"
        case 12: return "','.join(\(expression(.strings, depth)))"
        case 13:
            return
                "\(expression(pick([.map, .integers, .strings, .float, .integer, .maps]), depth)) | \(pick(["tojson", "to_json", "to_nice_json", "to_json(sort_keys=true)", "to_nice_json(indent=2)"]))"
        case 14: return "\(expression(.strings, depth)) | \(pick(["first", "last", "min", "max"]))"
        case 15: return "\(a) | b64encode"
        case 16: return "\(a) | b64encode | b64decode"
        case 17: return "'%s-%05d' | format(\(leaf(.string)), \(expression(.integer, depth)))"
        case 18: return "'%s/%x' % (\(leaf(.string)), \(expression(.integer, depth)))"
        case 19: return "'%.2f' % \(expression(.float, depth))"
        case 20: return "\(a) * \(pick(["2", "0", "3"]))"
        case 21: return "\(a) | \(pick(["basename", "dirname"]))"
        case 22: return "\(expression(.bool, depth)) | ternary(\(leaf(.string)), \(leaf(.string)))"
        case 23: return "\(a) | default('fallback', true)"
        case 24: return "\(expression(.integer, depth)) | string"
        case 25: return "\(expression(.maps, depth)) | map(attribute='name') | join(' ')"
        case 26:
            return
                "\(expression(.maps, depth)) | selectattr('on') | map(attribute='name') | join('+')"
        case 27: return "\(a) | reverse"
        case 28: return "\(a) | regex_replace(\(pattern()), \(pick(["'_'", "''", "'<\\\\g<0>>'"])))"
        case 29: return "\(a) | regex_search(\(pattern()))"
        case 30: return "\(a) | center(\(pick(["3", "10", "11"])))"
        case 31: return "\(expression(.bool, depth)) | \(pick(["lower", "upper"]))"
        case 32: return "\(a).\(pick(["removeprefix('a')", "removesuffix('c')", "strip('a-c')"]))"
        default: return "\(a) | regex_escape"
        }
    }

    private mutating func pattern() -> String {
        pick([
            "'[0-9]+'", "'^a'", "'\\\\s+'", "'(\\\\w+)=(\\\\d)'", "'[^a-z]'", "'a|b'", "'x*'",
            "'.$'",
            "'(?i)[A-C]'", "'\\\\.\\\\d+$'", "'^.*/'", "'[\\\\w.-]+'", "'(a)(b)?'",
            "'\\\\bline\\\\b'",
            "'e{1,2}'", "'.+?a'", "'\\\\D'", "'[]a]'",
        ])
    }

    private mutating func boolExpression(_ depth: Int) -> String {
        switch below(17) {
        case 0, 1:
            return "\(expression(.bool, depth)) \(pick(["and", "or"])) \(expression(.bool, depth))"
        case 2: return "not \(expression(.bool, depth))"
        case 3, 4:
            return
                "\(expression(.integer, depth)) \(pick(["==", "!=", "<", ">", "<=", ">="])) \(expression(pick([.integer, .float]), depth))"
        case 5:
            return
                "\(expression(.string, depth)) \(pick(["==", "!=", "<", ">="])) \(expression(.string, depth))"
        case 6:
            return
                "\(expression(.string, depth)) \(pick(["in", "not in"])) \(expression(pick([.string, .strings, .map]), depth))"
        case 7:
            return
                "\(expression(.integer, depth)) in \(pick([expression(.integers, depth), "(1, 2, 3)", "range(5)"]))"
        case 8:
            return
                "\(pick(["missing", "s", "d.a", "facts.no.such.thing", "facts.nics.eth0", "nothing", "lm[0].extra", "lm[9].extra"])) is \(pick(["", "not "]))\(pick(["defined", "undefined"]))"
        case 9:
            return
                "\(expression(pick(Kind.allCases), depth)) is \(pick(["", "not "]))\(pick(["string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "none", "true", "false"]))"
        case 10:
            return
                "\(expression(.integer, depth)) is \(pick(["even", "odd", "divisibleby 3", "divisibleby(2)", "eq 1", "gt(2)", "le 10", "ne(0)", "in [1, 2]"]))"
        case 11:
            return
                "\(expression(.string, depth)).\(pick(["startswith('a')", "endswith('0')", "startswith('')"]))"
        case 12: return "\(expression(.string, depth)) | bool"
        case 13:
            return
                "\(pick(["'1.2.10'", "'6.1.0'", "'1.10'"])) is version(\(pick(["'1.3'", "'6.1'", "'1.2.9'"])), \(pick(["'>='", "'<'", "'eq'"])))"
        case 14:
            return
                "\(expression(.integer, depth)) < \(expression(.integer, depth)) <= \(expression(.integer, depth))"
        case 15: return "\(expression(.string, depth)) is \(pick(["match", "search"])) \(pattern())"
        default:
            return
                "\(expression(pick([.integers, .strings]), depth)) \(pick(["==", "!="])) \(expression(pick([.integers, .strings]), depth))"
        }
    }

    private mutating func integersExpression(_ depth: Int) -> String {
        let a = expression(.integers, depth)
        switch below(16) {
        case 0: return "\(a) + \(expression(.integers, depth))"
        case 1:
            return
                "\(a) | \(pick(["sort", "sort(reverse=true)", "unique", "reverse", "list", "flatten"]))"
        case 2: return "\(a)[\(pick(["1:", ":2", "::-1", "::2", "-2:"]))]"
        case 3:
            return
                "\(a) | \(pick(["select", "reject"]))(\(pick(["'odd'", "'even'", "'gt', 1", "'divisibleby', 2", "'in', [1, 2]"]))) | list"
        case 4: return "range(\(pick(["3", "1, 5", "5, 0, -2", "0"]))) | list"
        case 5: return "\(expression(.strings, depth)) | map('length') | list"
        case 6: return "\(a) | map('abs') | list"
        case 7: return "\(expression(.maps, depth)) | map(attribute='port') | list"
        case 8: return "\(expression(.map, depth)).values() | list"
        case 9: return "[\(expression(.integer, depth)), \(expression(.integer, depth))]"
        case 10: return "\(a) * 2"
        case 11:
            return
                "(\(a) | \(pick(["union", "intersect", "difference", "symmetric_difference"]))(\(expression(.integers, depth)))) | sort"
        case 12: return "\(expression(.strings, depth)) | map('int', -1) | list"
        case 13:
            return
                "\(expression(.maps, depth)) | map(attribute='tags') | sum(start=[]) | map('length')"
        case 14: return "\(a) | batch(2) | list | map('length')"
        default:
            return "\(expression(.maps, depth)) | map(attribute='extra', default=0) | map('int')"
        }
    }

    private mutating func stringsExpression(_ depth: Int) -> String {
        let a = expression(.strings, depth)
        switch below(15) {
        case 0: return "\(a) + \(expression(.strings, depth))"
        case 1:
            return
                "\(a) | \(pick(["sort", "sort(case_sensitive=true)", "unique", "reverse", "list", "unique(case_sensitive=true)"]))"
        case 2:
            return
                "\(expression(.string, depth)).split(\(pick(["','", "", "'.'", "',', 1", "maxsplit=1"])))"
        case 3:
            return
                "\(a) | map(\(pick(["'upper'", "'trim'", "'replace', 'a', 'b'", "'quote'", "'title'", "'default', 'x', true"]))) | list"
        case 4:
            return
                "\(a) | \(pick(["select", "reject"]))(\(pick(["'equalto', 'a'", "'string'", "'match', 'a'", "'search', '[0-9]'", "'in', ['a', 'b']"])))"
        case 5: return "\(expression(.map, depth)).keys() | list"
        case 6: return "\(expression(.map, depth)) | list"
        case 7: return "\(expression(.maps, depth)) | map(attribute='name') | list"
        case 8:
            return
                "\(expression(.maps, depth)) | \(pick(["selectattr", "rejectattr"]))('port', '\(pick(["gt", "lt", "eq", "divisibleby"]))', 3) | map(attribute='name')"
        case 9: return "\(expression(.string, depth)) | list"
        case 10: return "[\(expression(.string, depth)), \(expression(.string, depth))]"
        case 11:
            return
                "\(expression(.maps, depth)) | sort(attribute='\(pick(["name", "port", "on", "port,name", "rank"]))') | map(attribute='name')"
        case 12: return "\(expression(.string, depth)).splitlines()"
        case 13: return "\(expression(.maps, depth)) | map(attribute='tags.0') | list"
        default: return "\(expression(.string, depth)) | regex_findall(\(pattern()))"
        }
    }

    private mutating func mapsExpression(_ depth: Int) -> String {
        let a = expression(.maps, depth)
        switch below(6) {
        case 0: return "\(a) | selectattr('on') | list"
        case 1: return "\(a) | rejectattr('port', 'odd') | list"
        case 2: return "\(a)[\(pick(["1:", ":1"]))]"
        case 3: return "\(a) | selectattr('extra', 'defined') | list"
        case 4: return "\(expression(.map, depth)) | dict2items"
        default: return "\(a) | sort(attribute='rank', reverse=true)"
        }
    }

    private mutating func mapExpression(_ depth: Int) -> String {
        switch below(6) {
        case 0:
            return
                "{\(literal("k")): \(expression(.integer, depth)), 'a': \(expression(.integer, depth))}"
        case 1: return "\(expression(.map, depth)) | combine(\(expression(.map, depth)))"
        case 2:
            return "\(expression(.map, depth)) | combine({'a': \(leaf(.integer))}, recursive=true)"
        case 3: return "\(expression(.maps, depth)) | first"
        case 4: return "\(expression(.map, depth)) | dict2items | items2dict"
        default: return "facts.nics"
        }
    }

    // MARK: Templates

    private mutating func data() -> String {
        pick([
            "", " ", "\n", "text", "key = ", "\n\n  ", "  indented\n", "{ not a tag }", "a\n b\n",
            "\t", "x", "#", "%", "\u{a0}\n", "$", "}}", "\r\n",
        ])
    }

    private mutating func tag(_ inner: String) -> String {
        "{%\(pick(["", "", "", "-", "+"])) \(inner) \(pick(["", "", "", "-", "+"]))%}"
    }

    private mutating func output(_ depth: Int) -> String {
        let kind: Kind = pick([.integer, .string, .string, .string, .float, .string])
        return "{{\(pick(["", "", "-"])) \(expression(kind, depth)) \(pick(["", "", "-"]))}}"
    }

    mutating func template(_ depth: Int = 3) -> String {
        var result = ""
        for _ in 0..<(1 + below(3)) { result += data() + piece(depth) }
        return result + data()
    }

    private mutating func piece(_ depth: Int) -> String {
        guard depth > 0 else { return output(1) }
        switch below(14) {
        case 0, 1:
            let otherwise = chance(50) ? tag("else") + template(depth - 1) : ""
            let elif = chance(30) ? tag("elif \(expression(.bool, 2))") + template(depth - 1) : ""
            return tag("if \(expression(.bool, 2))") + template(depth - 1) + elif + otherwise
                + tag("endif")
        case 2, 3, 4: return loop(depth)
        case 5:
            let name = pick(["n", "s", "fresh", "ls"])
            let kind: Kind = name == "n" ? .integer : name == "ls" ? .strings : .string
            let set = tag("set \(name) = \(expression(kind, 2))")
            return name == "fresh" ? set + "{{ fresh }}" : set
        case 6: return "{#\(pick(["", "-", "+"]))\(data())comment\(data())\(pick(["", "-", "+"]))#}"
        case 7:
            return "{%\(pick(["", "-"])) raw \(pick(["", "-"]))%}"
                + pick(["{{ x }}", "{% if %}", "{#", "plain"]) + data() + tag("endraw")
        case 8:
            return tag("set block\(pick(["", " | upper", " | trim | length"]))")
                + template(depth - 1)
                + tag("endset") + "{{ block }}"
        case 9:
            return tag("with inner = \(expression(.integer, 2))") + "{{ inner }}" + tag("endwith")
        case 10:
            return tag("set ns = namespace(total=0)") + tag("for i in \(expression(.integers, 1))")
                + tag("set ns.total = ns.total + i") + tag("endfor") + "{{ ns.total }}"
        case 11: return tag("include '\(pick(["part' ", "part'", "none' ignore missing"]))")
        default: return output(3)
        }
    }

    private mutating func loop(_ depth: Int) -> String {
        let scope = locals
        defer { locals = scope }
        let head: String
        switch below(5) {
        case 0:
            head = "for i in \(expression(.integers, 2))"
            locals.append((.integer, "i"))
        case 1:
            head = "for w in \(expression(.strings, 2))\(chance(30) ? " if w" : "")"
            locals.append((.string, "w"))
        case 2:
            head =
                "for k, v in \(pick(["d.items()", "d | dictsort", "d | items", "(d | dictsort(by='value'))"]))"
            locals += [(.string, "k"), (.integer, "v")]
        case 3:
            head = "for e in lm\(chance(30) ? " if e.on" : "")"
            locals += [(.string, "e.name"), (.integer, "e.port"), (.bool, "e.on")]
        default:
            head = "for i in range(\(pick(["3", "1, 4"])))"
            locals.append((.integer, "i"))
        }
        locals += [
            (.integer, "loop.index"), (.bool, "loop.first"), (.bool, "loop.last"),
            (.integer, "loop.revindex0"), (.integer, "loop.length"),
            (.string, "loop.cycle('odd', 'even')"),
        ]
        let body = template(depth - 1)
        locals = scope
        let otherwise = chance(20) ? tag("else") + template(depth - 1) : ""
        return tag(head) + body + otherwise + tag("endfor")
    }
}
