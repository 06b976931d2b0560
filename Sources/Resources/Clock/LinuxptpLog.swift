import FleetModel
import Kinds
import Linux
import SystemFaults

/// The offsets that ptp4l and phc2sys last wrote to the journal.
///
///     ptp4l: [71.310] master offset        -12 s2 freq   +1234 path delay       480
///     ptp4l: [71.310] rms   12 max   30 freq  +1234 +/-   7 delay   480 +/-   3
///     phc2sys: [71.5] CLOCK_REALTIME phc offset        25 s2 freq    +0 delay    510
enum LinuxptpLog {
    private static let journalctl = "/usr/bin/journalctl"

    /// The sum of the offsets of all units.
    ///
    /// ptp4l reports the offset of the NIC's clock from its master, phc2sys that of the system
    /// clock from the NIC's clock.
    static func offset(
        of units: [String], on machine: any Machine
    ) throws(AgentFault) -> ClockOffset {
        var sum = 0.0
        for unit in units {
            let attempted = "read the journal of \(unit)"
            let result = try attempt(attempted) { () throws(SystemError) in
                try machine.run(
                    ProgramCall(
                        journalctl,
                        [
                            "--unit=\(unit)", "--output=cat", "--lines=200", "--since=-3min",
                            "--no-pager", "--quiet",
                        ], timeoutSeconds: 20))
            }
            guard result.succeeded else {
                throw AgentFault(
                    "journalctl-failed", attempted,
                    cause: "journalctl \(result.endText)"
                        + (result.errorText.isEmpty ? "" : ": \(result.errorText.trimmingSpaces())")
                )
            }
            switch offset(inLog: result.outputText, of: unit) {
            case .nanoseconds(let found): sum += found
            case .unknown(let reason): return .unknown(reason)
            }
        }
        return .nanoseconds(sum)
    }

    /// The last offset in a log, unless a later line says that the source was lost.
    static func offset(inLog text: String, of unit: String) -> ClockOffset {
        var found = ClockOffset.unknown("\(unit) has logged no offset for three minutes")
        for line in text.filledLines {
            let words = line.split(separator: " ")
            // A transition of the port's state machine: port 1: SLAVE to LISTENING on …
            if let index = words.firstIndex(of: "SLAVE"), words.dropFirst(index + 1).first == "to" {
                let event = line.firstIndex(of: "]").map { line[line.index(after: $0)...] } ?? line
                found = .unknown("\(unit) lost its source: \(String(event).trimmingSpaces())")
            } else if let next = offset(words) {
                found =
                    next.isLocked
                    ? .nanoseconds(next.nanoseconds)
                    : .unknown("\(unit) has not locked to its source yet (\(next.state))")
            }
        }
        return found
    }

    private static func offset(
        _ words: [Substring]
    ) -> (nanoseconds: Double, isLocked: Bool, state: Substring)? {
        if let index = words.firstIndex(of: "offset"), words.count > index + 2,
            let value = Double(words[index + 1])
        {
            let state = words[index + 2]
            return (abs(value), ["s2", "s3"].contains(state), state)
        }
        // ptp4l writes summaries (rms) only after the servo has locked.
        if words.contains("rms"), let index = words.firstIndex(of: "max"), words.count > index + 1,
            let value = Double(words[index + 1])
        {
            return (value, true, "")
        }
        return nil
    }
}
