import Glibc
import Linux
import TestSupport
import Testing

/// What only a kernel of its own can show, phase by phase.
///
/// Each phase begins with a machine of its own that has just booted, and harms no other:
/// `Scripts/test --machine NAME` runs one. `phases.txt` lists them, says which are run by `make test`,
/// and what they may take together.
@Suite("A virtual machine", .timeLimit(.minutes(45)))
struct MachineTests {
    /// Runs a phase on a machine that is its own; prints how long it took.
    func phase(
        _ name: String, _ shape: MachineFleet.Shape, _ body: (MachineFleet) throws -> Void
    ) throws {
        let start = Clock.monotonicSeconds()
        let fleet = try MachineFleet(shape, phase: name)
        var isDone = false
        defer { fleet.takeDown(keepsConsole: !isDone) }
        let up = Clock.monotonicSeconds()
        // The example's roles install packages from it.
        let packages = try fleet.script(["onload"], seconds: 600)
        try #require(packages.succeeded, "\(packages.errorText)")
        expect(try fleet.muster("ping", "--accept-new"), endedWith: 0)
        expect(try fleet.muster("facts"), endedWith: 0)
        try body(fleet)
        isDone = true
        let end = Clock.monotonicSeconds()
        print("machine phase \(name): \(Int(end - start)) s, of which up in \(Int(up - start)) s")
    }
}

/// The list of phases, `phases.txt`: a line each, `NAME core|full`.
enum MachinePhases {
    /// The number of a phase in the list.
    static func number(of name: String) throws -> Int? {
        let path = Repository.root + "/Tests/LabTests/Machine/phases.txt"
        let lines = try LocalMachine().textIfPresent(path)?.split(whereSeparator: \.isNewline) ?? []
        return lines.firstIndex { $0.hasPrefix(name + " ") }
    }
}
