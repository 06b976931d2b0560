/// Splits a template into text, outputs and tags, with Jinja2's rules for white space.
enum TemplateScanner {
    /// The code points of a text with every newline as `\n`.
    static func normalise(_ text: String, _ faults: inout FaultList) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        var wasReturn = false
        for scalar in text.unicodeScalars {
            if wasReturn, scalar != "\n" { loneReturn(at: scalars.count, &faults) }
            wasReturn = scalar == "\r"
            if !wasReturn { scalars.append(scalar) }
        }
        if wasReturn { loneReturn(at: scalars.count, &faults) }
        return scalars
    }

    private static func loneReturn(at offset: Int, _ faults: inout FaultList) {
        faults.add(
            SyntaxFault(
                "a carriage return without a newline", offset, offset + 1,
                cause: "Jinja2 would turn it into a newline of its own",
                hint: "end lines with \\n or \\r\\n"))
    }

    /// The segments.
    ///
    /// A fault inside a tag is recorded, and reading continues after the tag.
    static func segments(of text: [Unicode.Scalar], _ faults: inout FaultList) -> [Segment] {
        var scanner = Scanner(text: text)
        scanner.run(&faults)
        return scanner.segments
    }
}

/// The state of one scan.
private struct Scanner {
    let text: [Unicode.Scalar]
    var position = 0
    var segments: [Segment] = []

    init(text: [Unicode.Scalar]) { self.text = text }

    private func at(_ index: Int) -> Unicode.Scalar? { index < text.count ? text[index] : nil }

    mutating func run(_ faults: inout FaultList) {
        while position < text.count {
            guard let begin = nextDelimiter(from: position) else {
                append(text[position...])
                return
            }
            let kind = text[begin + 1]
            let sign = at(begin + 2)
            var data = text[position..<begin]
            if sign == "-" { data = trimmed(data) }
            append(data)
            let signed = sign == "-" || sign == "+"
            position = begin + (signed ? 3 : 2)
            switch kind {
            case "#": comment(begin, &faults)
            case "{": tag(begin, .output, &faults)
            default:
                if let end = rawBegin(begin) {
                    raw(begin, from: end, &faults)
                } else {
                    tag(begin, .tag, &faults)
                }
            }
        }
    }

    private func nextDelimiter(from start: Int) -> Int? {
        var index = start
        while index + 1 < text.count {
            if text[index] == "{" {
                let next = text[index + 1]
                if next == "{" || next == "%" || next == "#" { return index }
            }
            index += 1
        }
        return nil
    }

    private mutating func append(_ data: ArraySlice<Unicode.Scalar>) {
        if !data.isEmpty { segments.append(.text(PythonText.string(data))) }
    }

    private func trimmed(_ data: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        var data = data
        while let last = data.last, PythonText.isSpace(last) { data.removeLast() }
        return data
    }

    private func skippingSpace(_ index: Int) -> Int {
        var index = index
        while let scalar = at(index), PythonText.isSpace(scalar) { index += 1 }
        return index
    }

    private mutating func comment(_ begin: Int, _ faults: inout FaultList) {
        let start = position
        var index = start
        while index + 1 < text.count, !(text[index] == "#" && text[index + 1] == "}") { index += 1 }
        guard index + 1 < text.count else {
            faults.add(
                SyntaxFault(
                    "this comment is not closed", begin, begin + 2, hint: "end it with \"#}\""))
            position = text.count
            return
        }
        position = index + 2
        let sign: Unicode.Scalar? = index > start ? text[index - 1] : nil
        if sign == "-" {
            position = skippingSpace(position)
        } else if sign != "+", at(position) == "\n" {
            position += 1
        }
    }

    private mutating func tag(_ begin: Int, _ ending: Lexer.Ending, _ faults: inout FaultList) {
        var lexer = Lexer(text, from: position)
        var content = TagContent(tokens: [], start: begin, end: begin + 2)
        do throws(SyntaxFault) {
            try lexer.read(&content.tokens, until: ending, openedAt: begin)
            position = lexer.position
        } catch {
            faults.add(error)
            content.isBroken = true
            position = resume(after: max(error.start, begin + 2), ending)
        }
        var end = position
        while end > begin, PythonText.isSpace(text[end - 1]) { end -= 1 }
        content.end = end
        segments.append(ending == .output ? .output(content) : .tag(content))
    }

    /// Where reading continues after a tag that could not be read.
    private func resume(after start: Int, _ ending: Lexer.Ending) -> Int {
        let first: Unicode.Scalar = ending == .output ? "}" : "%"
        var index = start
        while index + 1 < text.count {
            if text[index] == first, text[index + 1] == "}" { return index + 2 }
            index += 1
        }
        return text.count
    }

    /// The end of `{% raw %}`, if one begins here.
    private func rawBegin(_ begin: Int) -> Int? {
        var index = skippingSpace(position)
        guard matches("raw", index) else { return nil }
        index = skippingSpace(index + 3)
        if at(index) == "-", at(index + 1) == "%", at(index + 2) == "}" {
            return skippingSpace(index + 3)
        }
        return at(index) == "%" && at(index + 1) == "}" ? index + 2 : nil
    }

    private func matches(_ word: String, _ index: Int) -> Bool {
        var index = index
        for scalar in word.unicodeScalars {
            guard at(index) == scalar else { return false }
            index += 1
        }
        return true
    }

    private mutating func raw(_ begin: Int, from start: Int, _ faults: inout FaultList) {
        var index = start
        while index < text.count {
            if let (end, trims) = rawEnd(index) {
                append(trims ? trimmed(text[start..<index]) : text[start..<index])
                position = end
                return
            }
            index += 1
        }
        faults.add(
            SyntaxFault(
                "this \"raw\" is not closed", begin, begin + 2, hint: "end it with {% endraw %}"))
        position = text.count
    }

    /// The end of `{% endraw %}`, if one is here, and whether it trims the text before it.
    private func rawEnd(_ begin: Int) -> (end: Int, trims: Bool)? {
        guard at(begin) == "{", at(begin + 1) == "%" else { return nil }
        var index = begin + 2
        let sign = at(index)
        if sign == "-" || sign == "+" { index += 1 }
        index = skippingSpace(index)
        guard matches("endraw", index) else { return nil }
        index = skippingSpace(index + 6)
        if at(index) == "%", at(index + 1) == "}" {
            index += 2
            return (at(index) == "\n" ? index + 1 : index, sign == "-")
        }
        guard at(index) == "-" || at(index) == "+", at(index + 1) == "%", at(index + 2) == "}"
        else {
            return nil
        }
        return (at(index) == "-" ? skippingSpace(index + 3) : index + 3, sign == "-")
    }
}
