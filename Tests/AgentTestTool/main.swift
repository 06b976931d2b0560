// Helper of the agent's tests, for what a process can only do to itself.
//
// usage: AgentTestTool escape LAYER NAME ARGUMENT   try to change something from inside a layer
//        AgentTestTool write-into PID FD TEXT           write to a descriptor of another process
//        AgentTestTool kill-at N PROGRAM ARGUMENT…  run it, kill it at its n-th writing call

import AgentCore
import CAgentTests
import CLinux
import FleetModel
import Glibc
import Linux

func say(_ text: String) { _ = write(STDOUT_FILENO, text + "\n", text.utf8.count + 1) }

let words = Array(CommandLine.arguments.dropFirst())
switch words.first {
case "escape" where words.count == 4:
    do {
        switch words[1] {
        case "none":
            // A mount namespace of its own, so that the control changes nothing of the machine.
            _ = clinux_enter_namespaces()
        case "mounts": try Sandbox.enterMounts(remountWalk: false)
        case "mounts-remounted": try Sandbox.enterMounts(remountWalk: true)
        case "reader": _ = try Sandbox.enter(closing: [])
        default: exit(64)
        }
    } catch {
        say("no sandbox: \(error.text)")
        exit(70)
    }
    say(String(cString: error_name(escape_attempt(words[2], words[3]))))
case "kill-at" where words.count >= 3:
    let calls = withCStrings(Array(words.dropFirst(2))) { argv in
        run_and_kill_at(Int(words[1]) ?? 0, argv)
    }
    let text = "\(calls)\n"
    _ = write(STDERR_FILENO, text, text.utf8.count)
case "write-into" where words.count == 4:
    let code = write_into(pid_t(words[1]) ?? 0, Int32(words[2]) ?? -1, words[3])
    say(String(cString: error_name(code)))
default: exit(64)
}
