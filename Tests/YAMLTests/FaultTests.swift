import Diagnostics
import Linux
import TestSupport
import Testing

@testable import YAML

/// Every file of Tests/Fixtures/YAML/faults is refused with exactly the text beside it.
@Suite struct FaultTests {
    static let folder = Repository.fixtures("YAML/faults")

    @Test(arguments: Repository.names(in: folder, ending: ".yaml"))
    func faultText(name: String) throws {
        let bytes = try LocalMachine().read("\(Self.folder)/\(name).yaml", limit: 1 << 20)
        let source = try SourceText(name: "\(name).yaml", bytes: bytes)
        let faults = #expect(throws: Faults.self) { _ = try YAMLReader.parse(source) }
        let text = (faults?.all ?? []).map(\.text).joined(separator: "\n\n") + "\n"
        let golden = Golden("\(Self.folder)/\(name).expected")
        #expect(golden.matches(text), "got:\n\(text)expected:\n\(golden.expected)")
    }

    @Test func thereAreFixtures() {
        #expect(Repository.names(in: Self.folder, ending: ".yaml").count > 50)
    }

    @Test func aliasesThatMultiplyAreRefused() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let faults = #expect(throws: Faults.self) {
            _ = try YAMLReader.parse(SourceText(name: "laughs.yaml", text: text))
        }
        #expect(faults?.all.map(\.code) == ["yaml-expansion"])
    }

    @Test func mergesThatMultiplyAreRefused() throws {
        var limits = YAMLLimits()
        limits.aliasedNodes = 1_000
        var text = "m0: &m0 {" + (0..<100).map { "k\($0): 1" }.joined(separator: ", ") + "}\n"
        for level in 1...20 {
            text += "m\(level): &m\(level)\n  <<: *m\(level - 1)\n  x\(level): 1\n"
        }
        let faults = #expect(throws: Faults.self) {
            _ = try YAMLReader.parse(SourceText(name: "merges.yaml", text: text), limits: limits)
        }
        #expect(faults?.all.map(\.code) == ["yaml-expansion"])
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func deepNestingIsRefused(opening: String) throws {
        let text = String(repeating: opening, count: 100_000)
        let faults = #expect(throws: Faults.self) {
            _ = try YAMLReader.parse(SourceText(name: "deep.yaml", text: text))
        }
        #expect(faults?.all.map(\.code) == ["yaml-depth"])
    }

    @Test func depthThroughAliasesCounts() throws {
        var text = "a0: &a0 [x]\n"
        for level in 1...120 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        let faults = #expect(throws: Faults.self) {
            _ = try YAMLReader.parse(SourceText(name: "deep.yaml", text: text))
        }
        #expect(faults?.all.map(\.code) == ["yaml-depth"])
    }

    @Test func tooLargeTextIsRefused() throws {
        var limits = YAMLLimits()
        limits.bytes = 10
        let faults = #expect(throws: Faults.self) {
            _ = try YAMLReader.parse(
                SourceText(name: "large.yaml", text: "a: 12345678"), limits: limits)
        }
        #expect(faults?.all.map(\.code) == ["too-large"])
    }

    @Test func manyFaultsEndTheReading() throws {
        let text = String(repeating: "a: 1\n", count: 1_000)
        let faults = #expect(throws: Faults.self) {
            _ = try YAMLReader.parse(SourceText(name: "many.yaml", text: text))
        }
        #expect(faults?.all.count == YAMLLimits().faults)
    }
}
