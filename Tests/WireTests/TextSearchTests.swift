import Testing
import Wire

struct TextSearchTests {
    @Test(arguments: [
        ("abc", "b", true), ("abc", "abc", true), ("abc", "abcd", false), ("", "", true),
        ("abc", "", true), ("", "a", false), ("aab", "ab", true), ("a\r\nb", "\n", true),
        ("a\r\nb", "\r\nb", true),
    ])
    func findsWhatIsThere(text: String, sought: String, isThere: Bool) {
        #expect(text.contains(text: sought) == isThere)
    }

    /// The two texts are equal to `==`, but the names of two files.
    @Test func tellsCanonicallyEquivalentTextsApart() {
        #expect("caf\u{e9}" == "cafe\u{301}")
        #expect(!"caf\u{e9}".contains(text: "e\u{301}"))
        #expect("cafe\u{301}".contains(text: "cafe"))
    }

    @Test(arguments: [
        ("a_b_c", "_", ".", "a.b.c"), ("aaa", "aa", "b", "ba"), ("abc", "x", "y", "abc"),
        ("abc", "", "y", "abc"), ("", "a", "b", ""), ("aa", "a", "aa", "aaaa"),
        ("a\r\nb", "\n", "", "a\rb"),
    ])
    func replacesEach(text: String, sought: String, other: String, result: String) {
        #expect(text.replacing(text: sought, by: other) == result)
    }

    /// Against the obvious way, on texts of two letters, where partial matches are frequent.
    @Test func agreesWithTheObviousWay() {
        for number in 0..<(1 << 8) {
            let text = (0..<8).map { number >> $0 & 1 == 0 ? "a" : "b" }.joined()
            for length in 1...4 {
                for wanted in 0..<(1 << length) {
                    let sought = (0..<length).map { wanted >> $0 & 1 == 0 ? "a" : "b" }.joined()
                    let obvious = (0...8 - length).contains { text.dropFirst($0).hasPrefix(sought) }
                    #expect(text.contains(text: sought) == obvious, "\(sought) in \(text)")
                }
            }
        }
    }
}
