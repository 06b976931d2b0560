import Diagnostics
import Values
import Wire

extension Filter {
    /// A text in another case; throws a fault if the case mapping is not certain.
    static func cased(_ text: String, upper: Bool, _ call: Call) throws(Faults) -> String {
        if let result = PythonText.cased(text, upper: upper) { return result }
        throw call.fault("a letter whose case is not certain to be the same everywhere")
    }

    /// The text of a value, `True` for true: only for filters that change the case afterwards.
    private static func textOrTruth(_ call: Call) throws(Faults) -> String {
        if case .bool(let value) = call.value { return value ? "True" : "False" }
        return try call.text()
    }

    static let text: [Filter] = [
        Filter("lower") { (call) throws(Faults) in
            .string(try cased(textOrTruth(call), upper: false, call))
        },
        Filter("upper") { (call) throws(Faults) in
            .string(try cased(textOrTruth(call), upper: true, call))
        },
        Filter("capitalize") { (call) throws(Faults) in
            .string(try capitalized(call.text(), call))
        },
        Filter("title") { (call) throws(Faults) in .string(try titled(call.text(), call)) },
        Filter("trim", Signature(["chars"])) { (call) throws(Faults) in
            .string(PythonText.strip(try call.text(), characters: try call.string(0)))
        },
        Filter(
            "replace", Signature(["old", "new", "count"], required: 2)
        ) { (call) throws(Faults) in
            .string(
                try replaced(
                    call.text(), call.text(0) ?? "", call.text(1) ?? "",
                    count: call.argument(2) == .null ? nil : call.integer(2), call))
        },
        Filter(
            "indent", Signature(["width", "first", "blank"])
        ) { (call) throws(Faults) in .string(try indented(call)) },
        Filter("quote") { (call) throws(Faults) in
            if case .null = call.value { return .string("''") }
            return .string(shellQuoted(try call.text()))
        },
        Filter("format", Signature(takesMore: true)) { (call) throws(Faults) in
            .string(
                try PrintfFormat.apply(call.string(), call.rest, call.evaluator, call.node))
        },
        Filter("split", Signature(["sep", "maxsplit"])) { (call) throws(Faults) in
            try Method.split(call)
        },
        Filter("b64encode") { (call) throws(Faults) in
            .string(Base64.encode(Array(try call.text().utf8)))
        },
        Filter("b64decode", Signature([])) { (call) throws(Faults) in
            guard let bytes = Base64.decode(canonical: try call.string()) else {
                throw call.fault("a text that is not base64")
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw call.fault("base64 of bytes that are not UTF-8 text")
            }
            return .string(text)
        },
        Filter("basename") { (call) throws(Faults) in .string(splitPath(try call.string()).name) },
        Filter("dirname") { (call) throws(Faults) in
            .string(splitPath(try call.string()).directory)
        },
        Filter("wordcount") { (call) throws(Faults) in
            let text = try call.text()
            guard text.utf8.allSatisfy({ $0 < 128 }) else {
                throw call.fault("words of other than ASCII letters")
            }
            var count = 0
            var isInWord = false
            for scalar in text.unicodeScalars {
                let isPart = PythonText.isNamePart(scalar)
                if isPart, !isInWord { count += 1 }
                isInWord = isPart
            }
            return .integer(count)
        },
        Filter("center", Signature(["width"])) { (call) throws(Faults) in
            let text = try call.text()
            let width = try call.integer(0) ?? 80
            try call.evaluator.check(size: width, call.node)
            let room = width - text.unicodeScalars.count
            guard room > 0 else { return .string(text) }
            // An odd number of blanks is divided as Python does.
            let left = room / 2 + (room & width & 1)
            return .string(
                String(repeating: " ", count: left) + text
                    + String(repeating: " ", count: room - left))
        },
    ]

    private static func capitalized(_ text: String, _ call: Call) throws(Faults) -> String {
        guard let first = text.unicodeScalars.first else { return "" }
        let head = PythonText.string([first])
        // Title case differs from upper case for a few letters that combine two letters.
        guard first.properties.titlecaseMapping == first.properties.uppercaseMapping else {
            throw call.fault("a letter whose case is not certain to be the same everywhere")
        }
        return try cased(head, upper: true, call)
            + cased(PythonText.string(text.unicodeScalars.dropFirst()), upper: false, call)
    }

    /// Each word's first letter in upper case, the rest in lower case.
    ///
    /// Words begin after white space and after `-({[<`.
    private static func titled(_ text: String, _ call: Call) throws(Faults) -> String {
        var result = ""
        var word = String.UnicodeScalarView()
        func flush() throws(Faults) {
            guard let first = word.first else { return }
            result += try cased(PythonText.string([first]), upper: true, call)
            result += try cased(PythonText.string(word.dropFirst()), upper: false, call)
            word = String.UnicodeScalarView()
        }
        for scalar in text.unicodeScalars {
            if PythonText.isSpace(scalar) || "-({[<".unicodeScalars.contains(scalar) {
                try flush()
                result.unicodeScalars.append(scalar)
            } else {
                word.append(scalar)
            }
        }
        try flush()
        return result
    }

    static func replaced(
        _ text: String, _ old: String, _ new: String, count: Int?, _ call: Call
    ) throws(Faults) -> String {
        guard !old.isEmpty else { throw call.fault("an empty text to replace") }
        let limit = count.map { $0 < 0 ? Int.max : $0 }
        let pieces = PythonText.split(text, by: old, limit: limit)
        try call.evaluator.check(
            size: text.utf8.count + pieces.count * new.utf8.count, call.node)
        return pieces.joined(separator: new)
    }

    private static func indented(_ call: Call) throws(Faults) -> String {
        let indent: String
        switch call.arguments[0] {
        case .string(let text)?: indent = text
        default:
            let width = try call.integer(0) ?? 4
            try call.evaluator.check(size: width, call.node)
            indent = String(repeating: " ", count: max(0, width))
        }
        let withBlank = try call.bool(2)
        let lines = PythonText.lines(try call.string() + "\n")
        try call.evaluator.check(size: lines.count * indent.utf8.count, call.node)
        var result = try call.bool(1) ? indent : ""
        for (index, line) in lines.enumerated() {
            if index > 0 { result += line.isEmpty && !withBlank ? "\n" : "\n" + indent }
            result += line
        }
        return result
    }

    /// `shlex.quote`.
    static func shellQuoted(_ text: String) -> String {
        let isSafe = text.unicodeScalars.allSatisfy {
            PythonText.isNamePart($0) || "@%+=:,./-".unicodeScalars.contains($0)
        }
        if isSafe, !text.isEmpty { return text }
        return "'" + PythonText.split(text, by: "'").joined(separator: "'\"'\"'") + "'"
    }

    /// The parts before and after the last slash.
    private static func splitPath(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        var head = path[...slash]
        if head.utf8.contains(where: { $0 != UInt8(ascii: "/") }) {
            while head.utf8.last == UInt8(ascii: "/") { head = head.dropLast() }
        }
        return (String(head), String(path[path.utf8.index(after: slash)...]))
    }
}
