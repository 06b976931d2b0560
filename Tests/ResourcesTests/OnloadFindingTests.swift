import FleetModel
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import Resources

/// The reference names every finding there is, with its severity, and each has a fixture.
@Suite struct OnloadFindingTests {
    @Test func theReferenceNamesEveryFinding() throws {
        var shown: [String: String] = [:]
        for fixture in ResourceFixture.all where fixture.kind == .onload {
            for finding in try fixture.read().json["findings"]?.array ?? [] {
                shown[finding["finding"]?.string ?? ""] = finding["severity"]?.string
            }
        }
        let note = try #require(
            OnloadDeclaration.schema.notes.first { $0.hasPrefix("Findings. ") })
        let parts = note.dropFirst("Findings. ".count).split(separator: ". ")
        var named: [String: String] = [:]
        for part in parts {
            let halves = part.split(separator: ":", maxSplits: 1)
            let severity =
                ["Critical": "critical", "Warnings": "warning"][String(halves[0])] ?? "info"
            for word in halves[1].split(whereSeparator: { ", .".contains($0) }) {
                named[String(word)] = severity
            }
        }
        #expect(named == shown)
    }
}
