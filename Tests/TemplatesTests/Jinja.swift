import Linux
import TestSupport
import Testing
import Wire

/// The real Jinja2, in one process for many cases.
enum Jinja {
    /// The answers as JSON texts, one per case; see Tests/Reference/templates.py.
    static func answers(_ cases: [JSON]) throws -> [String] {
        let input = cases.map(\.canonicalText).joined(separator: "\n") + "\n"
        let result = try ProcessRunner.run(
            ProgramCall(
                Repository.pythonProgram("python"),
                ["\(Repository.root)/Tests/Reference/templates.py"],
                environment: ProgramCall.plainEnvironment + ["PYTHONUTF8=1"],
                input: Array(input.utf8), timeoutSeconds: 240, outputLimit: 1 << 28))
        try #require(result.succeeded, "\(result.endText): \(result.errorText.suffix(2000))")
        let answers = result.outputText.split(separator: "\n").map(String.init)
        try #require(answers.count == cases.count)
        return answers
    }
}
