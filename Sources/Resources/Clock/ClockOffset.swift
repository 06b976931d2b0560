import FleetModel
import Kinds
import Linux

/// How far the system clock is off from its source, as the discipline that steers it has it.
enum ClockOffset: Sendable, Equatable {
    /// Without a sign: nothing here depends on it.
    case nanoseconds(Double)
    /// Why it is not known.
    case unknown(String)

    static func read(
        _ declaration: PTPDeclaration, units: [String], on host: Host
    ) throws(AgentFault) -> ClockOffset {
        switch declaration.discipline {
        case .chrony: try ChronyTracking.offset(on: host.machine)
        case .linuxptp: try LinuxptpLog.offset(of: units, on: host.machine)
        case .sfptpd: try SfptpdState.offset(on: host)
        }
    }

    /// `250 ns`, `12.3 us`, `4 ms`, `37 s`.
    static func text(_ nanoseconds: Double) -> String {
        for (unit, size) in [("s", 1e9), ("ms", 1e6), ("us", 1e3)] where nanoseconds >= size {
            let tenths = Int((nanoseconds / size * 10).rounded())
            return (tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)")
                + " \(unit)"
        }
        return "\(Int(nanoseconds.rounded())) ns"
    }
}
