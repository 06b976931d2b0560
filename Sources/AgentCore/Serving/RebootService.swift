import FleetModel
import Glibc
import Journal
import Linux
import SystemFaults

/// Reboots the host, and waits until a boot is complete.
struct RebootService {
    let state: StateDirectory
    let machine: any Machine

    /// Asks systemd to reboot, and does not wait for the reboot.
    ///
    /// Refused while another run is applying on this host.
    func reboot(runID: String, requestedBy: String) throws(AgentFault) {
        guard geteuid() == 0 else {
            throw AgentFault(
                "not-root", "reboot", cause: "the agent runs as user \(geteuid())",
                hint: "let the user run the agent with sudo -n, or log in as root")
        }
        try state.prepare()
        let lock = try ApplyLock.take(
            in: state,
            as: ApplyLock.Holder(
                pid: Int(getpid()), runID: runID, requestedBy: requestedBy,
                since: Int(Clock.wallSeconds())))
        let result: ProgramResult
        do {
            result = try machine.run(
                ProgramCall("/bin/systemctl", ["--no-block", "reboot"], timeoutSeconds: 30))
        } catch {
            throw AgentFault("reboot", error)
        }
        // The lock is held until systemd has queued the reboot, so that no apply can begin before.
        _ = consume lock
        guard result.succeeded else {
            throw AgentFault(
                "reboot", "reboot",
                cause: "systemctl \(result.endText): "
                    + result.errorText.filledLines.joined(separator: "; "),
                hint: "systemctl list-jobs and systemd-inhibit --list on the host show why"
            )
        }
    }

    /// Waits until systemd has finished the boot, and returns its state: `starting` if it did not
    /// finish in time.
    func bootedState(within seconds: Int) -> String {
        let watch = Stopwatch()
        while true {
            let result = try? machine.run(
                ProgramCall("/bin/systemctl", ["is-system-running"], timeoutSeconds: 10))
            let state = String((result?.outputText ?? "").lines.first ?? "")
            if !["", "initializing", "starting", "offline"].contains(state) { return state }
            if watch.seconds > Double(seconds) { return "starting" }
            usleep(500_000)
        }
    }
}
