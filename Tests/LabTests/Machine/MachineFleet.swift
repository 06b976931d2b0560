import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

/// A virtual machine with a kernel of its own, and a fleet whose one host it is.
final class MachineFleet {
    let name: String
    let folder: TemporaryDirectory
    private(set) var inventory = ""

    /// The processors and memory of a machine; Scripts/vm says what each has.
    enum Shape: String { case topology, plain }

    init(_ shape: Shape, phase: String) throws {
        // Phases run side by side, each on a machine of its own.
        let number = try #require(try MachinePhases.number(of: phase), "\(phase) is in no list")
        name = "m\(getpid())x\(number)"
        folder = try TemporaryDirectory()
        let source = Repository.root + "/Examples/low-latency-host"
        let copied = try ProcessRunner.run(
            ProgramCall("/bin/cp", ["-aL", source, folder.path("fleet")]))
        try #require(copied.succeeded, "\(copied.errorText)")
        // The example's host is `vm`; this one stands beside others.
        try LocalMachine().rename(
            folder.path("fleet/Inventory/host_vars/vm.yaml"),
            to: folder.path("fleet/Inventory/host_vars/\(name).yaml"))
        try write("Inventory/hosts.yaml", "all: {hosts: {\(name): }}")
        try LocalMachine().makeDirectory(
            folder.path("fleet/Roles/extras"), mode: 0o755, uid: 0, gid: 0)
        // For phases to say what it holds.
        try write("Roles/extras/role.yaml", "description: Nothing yet.\nresources: []")
        let up = try script(["up", "--shape", shape.rawValue], seconds: 1_800)
        try #require(up.succeeded, "\(up.errorText)")
        let path = try script(["inventory", "--path"], seconds: 60).outputText
        inventory = String(path.filter { $0 != "\n" })
    }

    /// Takes the machine down; where something failed its console is kept and named.
    func takeDown(keepsConsole: Bool) {
        if keepsConsole {
            let console = try? script(["console"], seconds: 60)
            Issue.record("the end of the console:\n\(console?.outputText.suffix(3_000) ?? "none")")
        }
        _ = try? script(["down"], seconds: 120)
    }

    func script(_ arguments: [String], seconds: Double) throws -> ProgramResult {
        try ProcessRunner.run(
            ProgramCall(
                "\(Repository.root)/Scripts/vm", ["--name", name] + arguments,
                timeoutSeconds: seconds))
    }

    /// What a line of shell prints on the machine.
    func onHost(_ command: String) throws -> String {
        try script(["exec", "--", "sh", "-c", command], seconds: 120).outputText
    }

    /// Waits for the machine to be up with another boot id, for five minutes at most.
    func waitForBoot(after old: String) throws {
        for _ in 0..<100 {
            let now = try script(
                ["exec", "--", "cat", "/proc/sys/kernel/random/boot_id"], seconds: 20)
            if now.succeeded, !now.outputText.hasPrefix(old) { return }
            sleep(3)
        }
        Issue.record("the machine did not come back")
    }

    /// What systemd says once all that starts at boot has started; a loaded machine takes minutes.
    func stateAfterBoot() throws -> String {
        try script(
            ["exec", "--", "systemctl", "is-system-running", "--wait"], seconds: 600
        ).outputText
    }

    /// Writes a file of the fleet.
    func write(_ path: String, _ text: String) throws {
        try LocalMachine().replaceFile(
            folder.path("fleet/\(path)"), content: Array((text + "\n").utf8), mode: 0o644, uid: 0,
            gid: 0)
    }

    /// A file of the machine's kernel, without the newline.
    func kernel(_ path: String) throws -> String {
        String(try onHost("cat \(path)").filter { $0 != "\n" && $0 != "\0" })
    }

    /// Runs a verb; its exit status and what it says on both outputs.
    func muster(_ arguments: String...) throws -> (status: Int32, text: String) {
        let environment = ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") }
        let result = try ProcessRunner.run(
            ProgramCall(
                BuiltProgram.muster,
                arguments + [
                    "--fleet", folder.path("fleet"), "-i",
                    folder.path("fleet/Inventory/hosts.yaml"),
                    "-i", inventory,
                ],
                environment: environment + ["HOME=\(folder.path)"], timeoutSeconds: 1_500))
        guard case .exited(let status) = result.end else { return (-1, result.endText) }
        return (status, result.outputText + result.errorText)
    }
}
