import FleetModel
import Kinds
import Linux

/// The offset of the system clock from its source, as reported by the discipline that steers it.
enum ClockOffset: Sendable, Equatable {
    /// The absolute offset; its sign does not matter here.
    case nanoseconds(Double)
    /// Why the offset is not known.
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
