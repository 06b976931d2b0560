import Linux
import Synchronization
import TestSupport
import Wire

/// GRUB as Debian has it: settings that a real shell reads, and a grub-mkconfig that makes a menu.
///
/// A fixture gives it as `"grub": {"running": "…", "fails": "…"}`: what the kernel was started with
/// after the root file system, and what grub-mkconfig says where it is to fail. The menu of the
/// settings is there from the start, unless the fixture puts a grub.cfg of its own.
final class FakeGrub {
    private let running: String
    private let failure: String?
    static let image = "/boot/vmlinuz-6.1.0-50-amd64"
    private static let root = "root=UUID=b2bd9708 ro"

    init(_ description: JSON) {
        running = description["running"]?.string ?? ""
        failure = description["fails"]?.string
    }

    func install(on machine: FakeMachine) {
        machine.put("/usr/sbin/grub-mkconfig", text: "")
        if machine.node("/run") == nil { machine.put("/run", .directory) }
        machine.put(
            "/proc/cmdline", text: "BOOT_IMAGE=\(FakeGrub.image) \(FakeGrub.root) \(running)\n")
        if machine.node("/etc/default/grub.d") == nil {
            machine.put("/etc/default/grub.d", .directory)
        }
        machine.programs["/bin/sh"] = { call, machine in FakeGrub.shell(call, machine) }
        machine.programs["/usr/sbin/grub-mkconfig"] = { [failure] call, machine in
            if let failure {
                return ProgramResult(end: .exited(1), errorOutput: Array((failure + "\n").utf8))
            }
            machine.put(call.arguments[1], text: FakeGrub.menu(of: machine), mode: 0o600)
            return ProgramResult(end: .exited(0))
        }
        if machine.node("/boot/grub/grub.cfg") == nil {
            machine.put("/boot/grub/grub.cfg", text: FakeGrub.menu(of: machine), mode: 0o600)
        }
    }

    /// A script, and the files it reads: whoever asks the same again gets the same answer.
    private struct Question: Hashable {
        let arguments: [String]
        let environment: [String]
        let files: [String: [UInt8]]
    }
    /// Faults at every call ask the same some ten thousand times.
    private static let answers = Mutex<[Question: ProgramResult]>([:])

    /// What a real shell answers, over copies of the files that the script reads.
    private static func shell(_ call: ProgramCall, _ machine: FakeMachine) -> ProgramResult {
        var files: [String: [UInt8]] = [:]
        for (path, node) in machine.nodes where path.hasPrefix("/etc/default/grub") {
            if case .file(let content) = node.content { files[path] = content }
        }
        let question = Question(
            arguments: call.arguments, environment: call.environment, files: files)
        if let known = answers.withLock({ $0[question] }) { return known }
        let answer = run(call, files)
        answers.withLock { $0[question] = answer }
        return answer
    }

    private static func run(_ call: ProgramCall, _ files: [String: [UInt8]]) -> ProgramResult {
        let result = try? withTemporaryDirectory { folder in
            let real = LocalMachine()
            try real.makeDirectory(folder + "/grub.d", mode: 0o755, uid: 0, gid: 0)
            for (path, content) in files {
                let copy = folder + path.dropFirst("/etc/default".count)
                try real.replaceFile(copy, content: content, mode: 0o644, uid: 0, gid: 0)
            }
            var script = call.arguments[1].split(
                separator: "/etc/default/grub", omittingEmptySubsequences: false
            )
            .joined(separator: folder + "/grub")
            script = "set -e\n" + script
            return try ProcessRunner.run(
                ProgramCall("/bin/sh", ["-c", script], environment: call.environment))
        }
        return result ?? ProgramResult(end: .exited(126))
    }

    /// What grub-mkconfig makes of the settings, shortened.
    private static func menu(of machine: FakeMachine) -> String {
        func variable(_ name: String) -> String {
            let script = """
                if [ -f /etc/default/grub ]; then . /etc/default/grub; fi
                for x in /etc/default/grub.d/*.cfg; do if [ -e "$x" ]; then . "$x"; fi; done
                printf %s "$\(name)"
                """
            return shell(ProgramCall("/bin/sh", ["-c", script]), machine).outputText
        }
        let linux = variable("GRUB_CMDLINE_LINUX")
        let standard = variable("GRUB_CMDLINE_LINUX_DEFAULT")
        return """
            if [ "${next_entry}" ] ; then
               set default="${next_entry}"
            else
               set default="0"
            fi
            menuentry 'Debian GNU/Linux' --class os $menuentry_id_option 'gnulinux-simple-b2bd9708' {
            	linux	\(image) \(root) \(linux) \(standard)
            	initrd	/boot/initrd.img-6.1.0-50-amd64
            }
            submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-b2bd9708' {
            	menuentry 'Debian GNU/Linux (recovery mode)' $menuentry_id_option 'gnulinux-recovery-b2bd9708' {
            		linux	\(image) \(root) single \(linux)
            	}
            }

            """
    }
}
