import Diagnostics

/// Turns libyaml's marks into places of the source text.
struct PlaceFinder {
    let source: SourceText
    /// The columns that the byte-order mark takes on the first line.
    private let firstLineShift: Int
    /// The index of each line's first code point; nil if libyaml's own line numbers are correct.
    private let lineStarts: [Int]?

    init(_ source: SourceText, survey: TextSurvey) {
        self.source = source
        firstLineShift = survey.hasByteOrderMark ? 1 : 0
        guard survey.hasUnusualLineEnds else {
            lineStarts = nil
            return
        }
        var starts = [0]
        var index = 0
        for scalar in source.text.unicodeScalars.dropFirst(survey.hasByteOrderMark ? 1 : 0) {
            index += 1
            if scalar == "\n" { starts.append(index) }
        }
        lineStarts = starts
    }

    /// The place of a mark.
    func place(_ mark: Mark, length: Int = 1) -> Place {
        var line = mark.line
        var column = mark.column
        if let lineStarts {
            var low = 0
            var high = lineStarts.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if lineStarts[middle] <= mark.index { low = middle } else { high = middle }
            }
            line = low
            column = mark.index - lineStarts[low]
        }
        if line == 0 { column += firstLineShift }
        return Place(source: source, line: line + 1, column: column + 1, length: length)
    }

    /// The place from one mark to another; only its first line is underlined.
    func place(from start: Mark, to end: Mark) -> Place {
        place(start, length: start.line == end.line ? end.column - start.column : 1)
    }

    /// The place of a mark that may lie past the text: in that case the end of the last line with
    /// text.
    func placeWithinText(_ mark: Mark) -> Place {
        let place = place(mark)
        var line = place.line
        if let text = source.line(line), text.contains(where: { !$0.isWhitespace }) { return place }
        while line > 1 {
            line -= 1
            if let text = source.line(line), text.contains(where: { !$0.isWhitespace }) {
                let end = text.unicodeScalars.count
                return Place(source: source, line: line, column: max(1, end))
            }
        }
        return Place(source: source, line: 1, column: 1)
    }
}
