/// The text of one input file, kept so that a fault can show the line it is on.
package final class SourceText: Sendable {
    /// The name shown to people: the path as given or found.
    package let name: String
    /// The whole text.
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// The text of a line (1-based) without its end; nil past the last one.
    package func line(_ number: Int) -> String? {
        guard number >= 1 else { return nil }
        var current = 1
        var start = text.utf8.startIndex
        while current < number {
            guard let newline = text.utf8[start...].firstIndex(of: 10) else { return nil }
            start = text.utf8.index(after: newline)
            current += 1
        }
        let end = text.utf8[start...].firstIndex(of: 10) ?? text.utf8.endIndex
        let line = text[start..<end]
        return String(line.last == "\r" ? line.dropLast() : line)
    }
}

/// A place in an input: the file, the line and the column, both counted from 1, in characters.
package struct Place: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let source: SourceText
    package let line: Int
    package let column: Int
    /// How many characters the caret underlines; at least 1.
    package let length: Int

    package init(source: SourceText, line: Int, column: Int, length: Int = 1) {
        self.source = source
        self.line = line
        self.column = column
        self.length = max(1, length)
    }

    /// The same line, some characters further on.
    package func moved(by characters: Int, length: Int = 1) -> Place {
        Place(source: source, line: line, column: column + characters, length: length)
    }

    /// `Roles/low_latency/role.yaml:12:5`.
    package var description: String { "\(source.name):\(line):\(column)" }

    /// `Roles/low_latency/role.yaml:12`.
    package var fileAndLine: String { "\(source.name):\(line)" }

    package static func == (left: Place, right: Place) -> Bool {
        left.source.name == right.source.name && left.line == right.line
            && left.column == right.column
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(source.name)
        hasher.combine(line)
        hasher.combine(column)
    }

    package static func < (left: Place, right: Place) -> Bool {
        (left.source.name, left.line, left.column) < (right.source.name, right.line, right.column)
    }
}
