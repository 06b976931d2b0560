import Linux
import Testing

@Suite struct LinesTests {
    /// A text, its lines, and its lines as they are written back.
    private static let cases: [(text: String, lines: [Substring], raw: [Substring])] = [
        ("", [], []),
        ("\n", [""], [""]),
        ("a", ["a"], ["a"]),
        ("a\nb\n", ["a", "b"], ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b"], ["a\r", "b\r"]),
        ("a\r\n\r\nb", ["a", "", "b"], ["a\r", "\r", "b"]),
        // A CR alone ends nothing, and neither do the line ends of Unicode.
        ("a\rb\n", ["a\rb"], ["a\rb"]),
        ("a\u{2028}b\u{85}c\n", ["a\u{2028}b\u{85}c"], ["a\u{2028}b\u{85}c"]),
        // A mark that belongs to the LF as a Character stays in the next line.
        ("a\n\u{301}b\n", ["a", "\u{301}b"], ["a", "\u{301}b"]),
    ]

    @Test(arguments: cases)
    func splitsAtLF(text: String, lines: [Substring], raw: [Substring]) {
        #expect(text.lines == lines)
        #expect(text.rawLines.map { Array($0.utf8) } == raw.map { Array($0.utf8) })
        #expect(text.filledLines == lines.filter { !$0.isEmpty })
        #expect(text[...].lines == lines)
    }

    /// Who writes raw lines back with LF changes nothing but the end of the last one.
    @Test(arguments: cases)
    func writtenBackTheyAreTheText(text: String, lines: [Substring], raw: [Substring]) {
        let written = text.rawLines.map { $0 + "\n" }.joined()
        #expect(
            Array(written.utf8)
                == Array((text.utf8.last == 10 || text.isEmpty ? text : text + "\n").utf8))
    }
}
