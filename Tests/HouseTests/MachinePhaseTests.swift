import Linux
import TestSupport
import Testing

/// The phases of the virtual machine's test and the list that Scripts/test goes by.
@Suite struct MachinePhaseTests {
    @Test func everyPhaseIsInTheList() throws {
        let folder = "Tests/LabTests/Machine"
        var listed: [String] = []
        var hasBudget = false
        for line in try Repository.lines("\(folder)/phases.txt") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            guard words.count == 2 else { continue }
            if words[0] == "budget" {
                hasBudget = Int(words[1]) != nil
                continue
            }
            #expect(["core", "full"].contains(words[1]), "\(line)")
            listed.append(String(words[0]))
        }
        #expect(hasBudget)
        var written: [String] = []
        for file in try Repository.files(below: folder, ending: ".swift") {
            for line in try Repository.lines(file) {
                guard let call = line.firstRange(of: "try phase(\"") else { continue }
                written.append(String(line[call.upperBound...].prefix { $0 != "\"" }))
            }
        }
        #expect(written.sorted() == listed.sorted())
    }
}
