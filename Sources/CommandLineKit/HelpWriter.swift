extension ProgramSpec {
    /// `muster check [PATTERN…] [options]`.
    package func usageLine(of verb: VerbSpec) -> String {
        ([name, verb.name] + verb.arguments.map(\.usage) + ["[options]"]).joined(separator: " ")
    }

    /// The program's help page, or a verb's.
    package func help(for verbName: String?) -> String {
        if let verbName, let verb = verb(verbName) { return help(of: verb) }
        var lines = [summary, "", "usage: \(name) VERB [arguments] [options]", ""]
        lines += Self.columns(verbs.map { ($0.name, $0.summary) })
        lines += ["", "Options that every verb takes:"]
        lines += Self.columns(commonOptions.map { ($0.usage, $0.summary) })
        lines += ["", "Exit codes:"]
        lines += Self.columns(exitCodes.map { (String($0.code), $0.meaning) })
        lines += ["", "\(name) VERB --help describes one verb."]
        return lines.joined(separator: "\n") + "\n"
    }

    private func help(of verb: VerbSpec) -> String {
        var lines = ["\(name) \(verb.name): \(verb.summary)", "", "usage: \(usageLine(of: verb))"]
        for paragraph in verb.description { lines += [""] + Self.wrapped(paragraph, indent: 0) }
        if !verb.arguments.isEmpty {
            lines += ["", "Arguments:"]
            lines += Self.columns(verb.arguments.map { ($0.placeholder, $0.summary) })
        }
        if !verb.options.isEmpty {
            lines += ["", "Options:"]
            lines += Self.columns(verb.options.map { ($0.usage, $0.summary) })
        }
        lines += ["", "Options that every verb takes:"]
        lines += Self.columns(commonOptions.map { ($0.usage, $0.summary) })
        if !verb.examples.isEmpty {
            lines += ["", "Examples:"]
            for example in verb.examples {
                lines += ["  \(example.command)", "      \(example.does)"]
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Rows in two columns; if the first cell is too long, the second begins on the next line.
    static func columns(_ rows: [(String, String)]) -> [String] {
        let width = min(30, rows.map(\.0.count).max() ?? 0)
        var lines: [String] = []
        for (left, right) in rows {
            let text = wrapped(right, indent: width + 4)
            if left.count > width {
                lines.append("  " + left)
                lines += text
            } else {
                let first = text.first.map { $0.dropFirst(width + 4) } ?? ""
                lines.append("  " + left + pad(width - left.count + 2) + first)
                lines += text.dropFirst()
            }
        }
        return lines
    }

    static func wrapped(_ text: String, indent: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > 96 {
                lines.append(pad(indent) + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [pad(indent) + line]
    }

    private static func pad(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
