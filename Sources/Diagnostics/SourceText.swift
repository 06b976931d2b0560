/// The text of an input file, kept so that diagnostics can show the faulty line.
package final class SourceText: Sendable {
    /// The name in messages: the path as given or found.
    package let name: String
    /// The whole text.
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// Decodes a file, which must be UTF-8; a byte-order mark at the start is removed.
    package init(name: String, bytes: [UInt8]) throws(Faults) {
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let content = bytes.dropFirst(hasMark ? 3 : 0)
        guard let text = String(validating: content, as: UTF8.self) else {
            throw Faults(Self.encodingFault(name, content))
        }
        self.name = name
        self.text = text
    }

    private static func encodingFault(_ name: String, _ bytes: ArraySlice<UInt8>) -> Diagnostic {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return Diagnostic(
                "not-utf8", "\(name) is UTF-16, not UTF-8",
                hint: "convert it: iconv -f UTF-16 -t UTF-8")
        }
        let repaired = String(decoding: bytes, as: UTF8.self)
        var line = 1
        var column = 1
        for (found, wanted) in zip(repaired.unicodeScalars, ScalarsOrNil(bytes)) {
            guard wanted != nil else { break }
            column += 1
            if found == "\n" {
                line += 1
                column = 1
            }
        }
        return Diagnostic(
            "not-utf8", "\(name) contains bytes that are not UTF-8",
            at: Place(source: SourceText(name: name, text: repaired), line: line, column: column),
            hint: "save it as UTF-8, or convert it: iconv -f ISO-8859-1 -t UTF-8")
    }

    /// The text of a line (counted from 1) without its newline; nil after the last line.
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

/// A place in an input: file, line and column; lines and columns are counted from 1.
///
/// Columns count Unicode code points, as editors and other tools do.
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

    /// The place some characters further in the same line.
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

/// The code points of bytes; nil for invalid UTF-8.
private struct ScalarsOrNil: Sequence, IteratorProtocol {
    private var bytes: ArraySlice<UInt8>.Iterator
    private var decoder = UTF8()

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes.makeIterator() }

    mutating func next() -> Unicode.Scalar?? {
        switch decoder.decode(&bytes) {
        case .scalarValue(let scalar): .some(.some(scalar))
        case .error: .some(.none)
        case .emptyInput: .none
        }
    }
}
