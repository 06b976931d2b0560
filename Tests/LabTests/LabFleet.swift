import FleetModel
import Glibc
import Linux
import TestSupport
import Testing

/// A copy of a fleet, with a home of its own, and `muster` in it.
struct LabFleet {
    let folder: TemporaryDirectory
    let lab: LabScript
    let inventory: String

    init(_ fixture: String, on lab: LabScript) throws {
        folder = try TemporaryDirectory()
        self.lab = lab
        let path = try lab.run(["inventory", "--path"]).outputText
        inventory = String(path.filter { $0 != "\n" })
        let source = Repository.fixtures("Lab/\(fixture)")
        let copied = try ProcessRunner.run(
            ProgramCall("/bin/cp", ["-a", source, folder.path("fleet")]))
        try #require(copied.succeeded, "\(copied.errorText)")
    }

    /// Runs a verb; its exit status and what it says on both outputs.
    func muster(_ arguments: String...) throws -> (status: Int32, text: String) {
        let environment = ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") }
        let result = try ProcessRunner.run(
            ProgramCall(
                BuiltProgram.muster,
                arguments + ["--fleet", folder.path("fleet"), "-i", inventory],
                environment: environment + ["HOME=\(folder.path)"], timeoutSeconds: 300))
        guard case .exited(let status) = result.end else { return (-1, result.endText) }
        return (status, result.outputText + result.errorText)
    }

    func onHost(_ command: String) throws -> String {
        try lab.run(["exec", "\(lab.name)-1", "--", "sh", "-c", command]).outputText
    }
}
