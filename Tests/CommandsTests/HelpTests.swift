import CommandLineKit
import Linux
import TestSupport
import Testing

@testable import Commands

/// The help texts as they are printed, recorded: a change of the command line shows in a diff.
///
/// `MUSTER_RECORD=1` writes them anew (and fails).
@Suite struct HelpTests {
    private static let folder = Repository.fixtures("Help")
    private static let verbs = CommandTable.commands.map { $0.spec.name }

    @Test(arguments: verbs) func theHelpOfAVerbIsAsRecorded(_ verb: String) throws {
        let text = CommandTable.program.help(for: verb)
        #expect(Golden("\(Self.folder)/\(verb).txt").matches(text), "got:\n\(text)")
        for line in text.split(separator: "\n") {
            #expect(line.unicodeScalars.count <= 100, "too wide for a terminal: \(line)")
        }
    }

    @Test func theHelpOfTheProgramIsAsRecorded() {
        let text = CommandTable.program.help(for: nil)
        #expect(Golden("\(Self.folder)/muster.txt").matches(text), "got:\n\(text)")
    }

    /// No text is left of a verb that is gone.
    @Test func everyRecordedTextIsOfAVerb() {
        let recorded = Repository.names(in: Self.folder, ending: ".txt")
        #expect(Set(recorded) == Set(Self.verbs + ["muster"]))
    }
}
