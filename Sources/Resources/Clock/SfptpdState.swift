import FleetModel
import Kinds
import Linux
import SystemFaults

/// The state that sfptpd writes once a minute for each clock and instance.
///
/// The files are /var/lib/sfptpd/state-NAME, with lines `name: value`.
struct SfptpdState {
    private static let folder = "/var/lib/sfptpd"
    /// The age in seconds from which a file is ignored: its instance no longer runs.
    private static let oldest = 180.0

    private let name: String
    private let values: [String: String]

    init(name: String, text: String) {
        self.name = name
        var values: [String: String] = [:]
        for line in text.filledLines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            values[String(line[..<colon])] = String(line[line.index(after: colon)...])
                .trimmingSpaces()
        }
        self.values = values
    }

    /// The absolute offset in nanoseconds from its source: a master, a peer, or a NIC's clock.
    private var offset: Double? {
        values.first { $0.key.hasPrefix("offset-from-") }.flatMap { Double($0.value) }.map(abs)
    }

    /// The version that the running daemon has written; nil if there is none.
    static func runningVersion(on machine: any Machine) throws(AgentFault) -> String? {
        let path = "\(folder)/version"
        return try machine.readText(path).flatMap(ClockProgram.version)
    }

    static func offset(on host: Host) throws(AgentFault) -> ClockOffset {
        var states: [SfptpdState] = []
        for name in try attempt(
            "list \(folder)", { () throws(SystemError) in try host.machine.listIfPresent(folder) })
        where name.hasPrefix("state-") {
            let path = "\(folder)/\(name)"
            let found = try attempt("read \(path)") { () throws(SystemError) in
                let status = try host.machine.statusIfPresent(path, followLinks: true)
                let age = host.now() - Double(status?.modifiedNanoseconds ?? 0) / 1e9
                return age > oldest ? nil : try host.machine.textIfPresent(path)
            }
            if let found {
                states.append(SfptpdState(name: String(name.dropFirst(6)), text: found))
            }
        }
        return offset(states)
    }

    /// The offset of the system clock from the NIC's clock, plus that of the NIC's from its master.
    static func offset(_ states: [SfptpdState]) -> ClockOffset {
        let system = states.first { $0.name == "system" }
        let sources = states.filter { state in
            guard state.name != "system", state.offset != nil else { return false }
            guard let system else { return state.values["clock-name"] == "system" }
            return state.values["clock-id"] == system.values["reference-clock-id"]
        }
        guard !sources.isEmpty else {
            return .unknown("sfptpd has reported no source for three minutes")
        }
        var sum = 0.0
        for state in [system].compactMap({ $0 }) + sources where state.values["in-sync"] != "1" {
            let alarms = state.values["alarms"].map { $0 == "none" || $0.isEmpty ? "" : ": \($0)" }
            return .unknown("sfptpd reports that \(state.name) is not in sync\(alarms ?? "")")
        }
        if let system {
            guard let offset = system.offset else {
                return .unknown("sfptpd has reported no offset of the system clock")
            }
            sum += offset
        }
        // If several instances use one NIC, the largest offset is taken, whichever one is selected.
        return .nanoseconds(sum + (sources.compactMap(\.offset).max() ?? 0))
    }
}
