import Diagnostics

/// The source of a template's text, which turns an offset into a place.
///
/// Places are computed only for a fault: parsing 10,000 values computes none.
final class Origin: Sendable {
    /// The template's text.
    private let text: String
    /// The start of the scalar in its YAML file; nil if the template is a file.
    private let scalarPlace: Place?
    private let source: SourceText

    init(file: SourceText) {
        text = file.text
        source = file
        scalarPlace = nil
    }

    init(scalar text: String, at place: Place) {
        self.text = text
        source = place.source
        scalarPlace = place
    }

    /// The place of a range of offsets, counted in Unicode scalars after CRLF became LF.
    func place(_ start: Int, _ end: Int) -> Place {
        var line = 1
        var lineText = String.UnicodeScalarView()
        var before: Int?
        var index = 0
        for scalar in text.unicodeScalars where scalar != "\r" {
            if index == start { before = lineText.count }
            if scalar == "\n" {
                if before != nil { break }
                line += 1
                lineText = String.UnicodeScalarView()
            } else {
                lineText.append(scalar)
            }
            index += 1
        }
        let column = Origin.characters(lineText.prefix(before ?? lineText.count)) + 1
        let length = Origin.characters(
            lineText.dropFirst(before ?? 0).prefix(max(1, end - start)))
        guard let scalarPlace else {
            return Place(source: source, line: line, column: column, length: length)
        }
        return Self.find(
            String(lineText), line: line, column: column, length: length, in: source,
            at: scalarPlace)
    }

    private static func characters(_ scalars: some Sequence<Unicode.Scalar>) -> Int {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text).count
    }

    /// Finds a line of the scalar in the YAML source.
    ///
    /// If YAML changed the text (escapes, folding), the scalar's own place is used.
    private static func find(
        _ text: String, line: Int, column: Int, length: Int, in source: SourceText, at scalar: Place
    ) -> Place {
        let wanted = Array(text)
        // A plain or quoted scalar begins on the place's line, a block scalar on the next line.
        for (candidate, from) in [
            (scalar.line + line - 1, line == 1 ? scalar.column - 1 : 0),
            (scalar.line + line, 0),
        ] {
            guard let found = source.line(candidate) else { continue }
            let characters = Array(found)
            guard from <= characters.count, characters.count >= wanted.count else { continue }
            let last = characters.count - wanted.count
            guard from <= last else { continue }
            for start in from...last
            where Array(characters[start..<(start + wanted.count)]) == wanted {
                return Place(
                    source: source, line: candidate, column: start + column, length: length)
            }
        }
        return scalar
    }
}
