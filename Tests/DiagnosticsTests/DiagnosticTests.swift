import Testing
import Wire

@testable import Diagnostics

/// The text that people see of a fault.
@Suite struct DiagnosticTests {
    private let source = SourceText(
        name: "Roles/x/role.yaml", text: "one: 1\n  größe: yes\n\tdeep: \u{1B}[31mx\nlast")

    private func place(_ line: Int, _ column: Int, _ length: Int = 1) -> Place {
        Place(source: source, line: line, column: column, length: length)
    }

    @Test func everythingIsShownInOrder() {
        let fault = Diagnostic(
            "unknown-key", "the key \"größe\" is unknown", at: place(2, 3, 5), cause: "a cause",
            hint: "did you mean \"grade\"?", related: [.init(place(1, 1, 3), "the other one")])
        #expect(
            fault.text == """
                Roles/x/role.yaml:2:3: error: the key "größe" is unknown
                  2 |   größe: yes
                    |   ^^^^^
                  cause: a cause
                  Roles/x/role.yaml:1:1: the other one
                  1 | one: 1
                    | ^^^
                  hint: did you mean "grade"?
                """)
    }

    @Test func aFaultWithoutAPlaceIsOneLine() {
        #expect(Diagnostic("x", "no inventory").text == "error: no inventory")
        #expect(Diagnostic(.warning, "x", "odd").text == "warning: odd")
    }

    @Test func tabsKeepTheCaretInPlaceAndControlCharactersDoNotReachTheTerminal() {
        let text = Diagnostic("x", "y", at: place(3, 8)).text
        #expect(text.contains("  3 | \tdeep: \u{FFFD}[31mx\n    | \t      ^"))
        #expect(!text.unicodeScalars.contains("\u{1B}"))
    }

    @Test func longLinesAreCutAroundTheCaret() {
        let long = SourceText(name: "l", text: String(repeating: "a", count: 300) + "b" + "c")
        let text = Diagnostic("x", "y", at: Place(source: long, line: 1, column: 301)).text
        let lines = text.split(separator: "\n")
        #expect(lines[1].count < 120)
        let caret = lines[2].firstIndex(of: "^").map {
            lines[2].distance(from: lines[2].startIndex, to: $0)
        }
        let shown = caret.map { lines[1][lines[1].index(lines[1].startIndex, offsetBy: $0)] }
        #expect(shown == "b")
        let start = Diagnostic("x", "y", at: Place(source: long, line: 1, column: 1)).text
        #expect(start.contains("a…\n"))
    }

    @Test(arguments: [(1, 99, 1), (4, 5, 1), (9, 1, 1), (2, 4, 500)])
    func placesOutsideOfTheTextDoNoHarm(line: Int, column: Int, length: Int) {
        #expect(Diagnostic("x", "y", at: place(line, column, length)).text.hasPrefix("Roles/x/"))
    }

    @Test func jsonHasEverything() throws {
        let fault = Diagnostic(
            .warning, "code", "summary", at: place(1, 6), cause: "c", hint: "h",
            related: [.init(place(4, 1), "r")])
        let json: JSON = [
            "severity": "warning", "code": "code", "summary": "summary", "cause": "c", "hint": "h",
            "place": ["file": "Roles/x/role.yaml", "line": 1, "column": 6, "text": "one: 1"],
            "related": [
                [
                    "place": [
                        "file": "Roles/x/role.yaml", "line": 4, "column": 1, "text": "last",
                    ], "text": "r",
                ]
            ],
        ]
        #expect(fault.json == json)
        #expect(
            Diagnostic("code", "summary").json
                == ["severity": "error", "code": "code", "summary": "summary"])
    }

    @Test func bagsThrowOnlyErrors() throws {
        var bag = DiagnosticBag()
        bag.add(Diagnostic(.warning, "w", "w"))
        try bag.throwIfErrors()
        bag.add(Faults(Diagnostic("e", "e")))
        #expect(bag.hasErrors)
        #expect(bag.errors.map(\.code) == ["e"])
        let faults = #expect(throws: Faults.self) { try bag.throwIfErrors() }
        #expect(faults?.all.map(\.code) == ["w", "e"])
    }
}
