import Testing

@testable import Diagnostics

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("swapiness", "swappiness"), ("sercive", "service"), ("ower", "owner"), ("Mode", "mode"),
        ("pakage", "package"), ("xyzzy", nil), ("a", nil), ("", nil), ("servicemode", nil),
    ])
    func nearest(name: String, expected: String?) {
        let known = ["service", "swappiness", "owner", "owner_group", "mode", "package"]
        #expect(NearestName.of(name, in: known) == expected)
    }

    @Test func tiesGoToTheFirstInByteOrder() {
        #expect(NearestName.of("cat", in: ["rat", "bat", "hat"]) == "bat")
        #expect(NearestName.of("cat", in: ["hat", "bat", "rat"]) == "bat")
    }

    @Test func aNeighbourSwapCountsOnce() {
        #expect(NearestName.of("hsots", in: ["vars", "hosts"]) == "hosts")
        #expect(NearestName.hint(for: "hsots", in: ["hosts"]) == "did you mean \"hosts\"?")
        #expect(NearestName.hint(for: "zzz", in: ["hosts"]) == nil)
    }

    @Test func theNameItselfIsNoSuggestion() {
        #expect(NearestName.of("hosts", in: ["hosts"]) == nil)
    }
}

@Suite struct ExitCodeTests {
    @Test func theWorstWins() {
        #expect(ExitCode.combined([]) == .done)
        #expect(ExitCode.combined([.done, .unreachable, .differences]) == .differences)
        #expect(ExitCode.combined([.hostFailed, .reverted]) == .reverted)
        #expect(ExitCode.combined(ExitCode.allCases) == .interrupted)
        #expect(ExitCode.combined([.refused, .hostFailed]) == .hostFailed)
    }

    @Test func everyCodeHasARankAndANumberOfItsOwn() {
        #expect(Set(ExitCode.precedence) == Set(ExitCode.allCases))
        #expect(ExitCode.precedence.count == ExitCode.allCases.count)
        #expect(
            ExitCode.precedence.map(\.rawValue) == [130, 70, 64, 65, 4, 1, 5, 2, 3, 0])
    }
}
