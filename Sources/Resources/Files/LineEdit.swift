import Kinds

/// The edit of a file's content that puts a declared line in place.
///
/// Pure; works on bytes, so that text in any encoding is preserved.
enum LineEdit: Equatable {
    /// No edit is needed; the value is the reason.
    case none(String)
    /// The lines to be removed, as text for people, and the new content.
    case edit(before: [String], content: [UInt8])
    /// No line matches the expression that gives the position of the new line.
    case noAnchor(String)

    private static let newline = UInt8(ascii: "\n")

    init(_ declaration: LineDeclaration, _ content: [UInt8]) {
        var lines = content.split(separator: LineEdit.newline, omittingEmptySubsequences: false)
            .map { Array($0) }
        // The empty piece after the last newline is not a line.
        if lines.last?.isEmpty == true { lines.removeLast() }
        let text = declaration.text.map { Array($0.utf8) }
        let places = lines.indices.filter { index in
            if let match = declaration.match { return match.matches(lines[index]) }
            return lines[index] == text
        }
        if let text, declaration.isPresent {
            self = LineEdit.present(declaration, text, lines, places)
        } else {
            self = LineEdit.absent(lines, places)
        }
    }

    private static func absent(_ lines: [[UInt8]], _ places: [Int]) -> LineEdit {
        if places.isEmpty { return .none("no such line") }
        let gone = Set(places)
        let rest = lines.indices.filter { !gone.contains($0) }.map { lines[$0] }
        return .edit(before: places.map { shown(lines[$0]) }, content: join(rest))
    }

    private static func present(
        _ declaration: LineDeclaration, _ text: [UInt8], _ lines: [[UInt8]], _ places: [Int]
    ) -> LineEdit {
        var lines = lines
        guard let first = places.first else {
            switch declaration.place {
            case .end: lines.append(text)
            case .after(let expression):
                guard let anchor = lines.lastIndex(where: { expression.matches($0) }) else {
                    return .noAnchor(expression.pattern)
                }
                lines.insert(text, at: anchor + 1)
            case .before(let expression):
                guard let anchor = lines.firstIndex(where: { expression.matches($0) }) else {
                    return .noAnchor(expression.pattern)
                }
                lines.insert(text, at: anchor)
            }
            return .edit(before: [], content: join(lines))
        }
        guard declaration.match != nil else { return .none("the line exists") }
        if places.count == 1 && lines[first] == text {
            return .none("the only matching line has the declared text")
        }
        let before = places.map { shown(lines[$0]) }
        lines[first] = text
        for index in places.dropFirst().reversed() { lines.remove(at: index) }
        return .edit(before: before, content: join(lines))
    }

    private static func join(_ lines: [[UInt8]]) -> [UInt8] {
        lines.reduce(into: []) { content, line in
            content += line
            content.append(newline)
        }
    }

    private static func shown(_ line: [UInt8]) -> String {
        let text = String(decoding: line, as: UTF8.self)
        return text.count > 200 ? String(text.prefix(200)) + "…" : text
    }
}
