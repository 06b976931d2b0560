import Testing

@testable import Diagnostics

@Suite struct SourceTextTests {
    @Test func linesAreCountedFromOne() {
        let source = SourceText(name: "s", text: "a\r\nb\n\nd")
        #expect((0...5).map(source.line) == [nil, "a", "b", "", "d", nil])
        #expect(SourceText(name: "s", text: "").line(1) == "")
    }

    @Test func bytesMustBeUTF8() throws {
        let source = try SourceText(name: "s", bytes: [0xEF, 0xBB, 0xBF] + Array("größe".utf8))
        #expect(source.text == "größe")
        #expect(try SourceText(name: "s", bytes: []).text == "")
    }

    @Test(arguments: [
        ([UInt8]("ab\ncö".utf8) + [0xFF, 0x61], 2, 3), ([0xC3], 1, 1), ([0x61, 0xC3], 1, 2),
        ([0xED, 0xA0, 0x80], 1, 1), (Array("é\né".utf8) + [0x80], 2, 2),
    ])
    func theFirstBadByteHasAPlace(bytes: [UInt8], line: Int, column: Int) {
        let faults = #expect(throws: Faults.self) { try SourceText(name: "s", bytes: bytes) }
        let place = faults?.all.first?.place
        #expect(place?.line == line)
        #expect(place?.column == column)
        #expect(faults?.all.map(\.code) == ["not-utf8"])
    }

    @Test func utf16IsNamed() {
        let faults = #expect(throws: Faults.self) {
            try SourceText(name: "s", bytes: [0xFF, 0xFE, 0x61, 0])
        }
        #expect(faults?.all.map(\.summary) == ["s is UTF-16, not UTF-8"])
    }

    @Test func placesCompareByFileLineAndColumn() {
        let a = SourceText(name: "a", text: "")
        let b = SourceText(name: "b", text: "")
        func place(_ source: SourceText, _ line: Int, _ column: Int) -> Place {
            Place(source: source, line: line, column: column)
        }
        let places = [place(b, 1, 1), place(a, 2, 1), place(a, 1, 9), place(a, 1, 2)]
        #expect(places.sorted().map(\.description) == ["a:1:2", "a:1:9", "a:2:1", "b:1:1"])
        #expect(place(a, 1, 1) == Place(source: a, line: 1, column: 1, length: 7))
        #expect(Set([place(a, 1, 1), place(a, 1, 1)]).count == 1)
        #expect(place(a, 3, 4).fileAndLine == "a:3")
        #expect(place(a, 3, 4).moved(by: 2, length: 3).description == "a:3:6")
    }
}
