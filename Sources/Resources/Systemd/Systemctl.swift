import FleetModel
import Linux
import Wire

/// Calls of systemctl, with faults that say what systemd and the unit's log say.
enum Systemctl {
    /// Where it is on every distribution, with or without a merged /usr.
    static let path = "/bin/systemctl"

    /// Runs systemctl; a status other than 0 is a fault.
    @discardableResult
    static func run(
        _ arguments: [String], attempted: String, unit: String? = nil, on machine: any Machine,
        timeoutSeconds: Double = 300
    ) throws(AgentFault) -> ProgramResult {
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(
                ProgramCall(
                    path, ["--no-pager", "--no-ask-password"] + arguments,
                    timeoutSeconds: timeoutSeconds))
        } catch {
            throw AgentFault(
                "no-systemd", attempted,
                cause: error.isNotFound ? "systemctl is not installed" : error.description,
                hint: "units need a host that runs systemd")
        }
        if result.succeeded { return result }
        let said = Excerpt.lines(of: result.errorText, most: 4).joined(separator: "\n")
        if said.contains(text: "not been booted with systemd")
            || said.contains(text: "Failed to connect to bus")
        {
            throw AgentFault(
                "no-systemd", attempted, cause: said,
                hint: "units need a host that runs systemd as its first process")
        }
        var cause = "systemctl \(result.endText)" + (said.isEmpty ? "" : ": \(said)")
        if let unit { cause += logText(of: unit, on: machine) }
        throw AgentFault(
            "systemctl-failed", attempted, cause: cause,
            hint: unit.map {
                "`systemctl status \($0)` and `journalctl -u \($0)` on the host say more"
            })
    }

    /// The unit's state and last log lines, each after a newline and indented; empty for none.
    static func logText(of unit: String, on machine: any Machine) -> String {
        let call = ProgramCall(
            path, ["--no-pager", "--full", "--lines=10", "status", "--", unit], timeoutSeconds: 10,
            outputLimit: 1 << 20)
        // The exit status is ignored: it is 3 for a unit that does not run.
        guard let result = try? machine.run(call) else { return "" }
        return Excerpt.lines(of: result.outputText, most: 20).map { "\n    \($0)" }.joined()
    }
}

/// The last lines of a program's output, bounded for a report.
enum Excerpt {
    /// The last lines that are not empty, each cut at 240 characters.
    static func lines(of text: String, most: Int) -> [String] {
        text.filledLines.suffix(most * 2).map { line in
            let end = line.lastIndex { $0 != " " && $0 != "\r" && $0 != "\t" }
            let trimmed = end.map { line[...$0] } ?? ""
            return trimmed.count > 240 ? trimmed.prefix(239) + "…" : String(trimmed)
        }.filter { !$0.isEmpty }.suffix(most)
    }
}
