import FleetModel
import Kinds
import Linux
import SystemFaults

/// Processes that steer the system clock.
enum ClockProcesses {
    /// The names in /proc/PID/comm, which has at most 15 characters (proc(5)).
    private static let names: Set<String> = [
        "chronyd", "ntpd", "systemd-timesyn", "ptp4l", "phc2sys", "timemaster", "ptpd", "ptpd2",
        "sfptpd",
    ]

    /// The clock processes that no known unit has started: `chronyd (812)`.
    static func strangers(
        to known: Set<String>, on machine: any Machine
    ) throws(AgentFault) -> [String] {
        var found: [String] = []
        let processes = try attempt("list /proc") { () throws(SystemError) in
            try machine.listIfPresent("/proc")
        }
        for pid in processes where Int(pid) != nil {
            guard
                let name = try ProcessFile.text("/proc/\(pid)/comm", on: machine)?.trimmingSpaces(),
                names.contains(name),
                let groups = try ProcessFile.text("/proc/\(pid)/cgroup", on: machine)
            else { continue }
            let units = groups.filledLines.compactMap(unit)
            if !units.contains(where: known.contains) { found.append("\(name) (\(pid))") }
        }
        return found
    }

    /// The unit of a line of /proc/PID/cgroup: `0::/system.slice/chrony.service`.
    ///
    /// For a process in a container, it is the scope of the container.
    private static func unit(_ line: Substring) -> String? {
        guard let path = line.split(separator: ":", maxSplits: 2).last else { return nil }
        return path.split(separator: "/").first { !$0.hasSuffix(".slice") }.map(String.init)
    }

    /// The program of a process, and whether its file was deleted or replaced.
    ///
    /// Nil if the process has ended or has no program file.
    static func program(
        of pid: Int, on machine: any Machine
    ) throws(AgentFault) -> (path: String, isReplaced: Bool)? {
        let mark = " (deleted)"
        let target = try attempt("read /proc/\(pid)/exe") { () throws(SystemError) in
            try machine.linkTargetIfPresent("/proc/\(pid)/exe")
        }
        return target.map {
            $0.hasSuffix(mark) ? (String($0.dropLast(mark.count)), true) : ($0, false)
        }
    }

    /// When a process was started, in seconds since the epoch (proc(5): starttime, btime).
    static func started(_ pid: Int, on machine: any Machine) throws(AgentFault) -> Double? {
        guard let status = try ProcessFile.text("/proc/\(pid)/stat", on: machine),
            let system = try ProcessFile.text("/proc/stat", on: machine),
            // The process name in brackets before it may itself contain blanks and brackets.
            let end = status.lastIndex(of: ")")
        else { return nil }
        let fields = status[end...].split(separator: " ")
        let boot = system.filledLines.first { $0.hasPrefix("btime ") }
        guard fields.count > 20, let ticks = Double(fields[20]),
            let seconds = boot.flatMap({ Double($0.dropFirst("btime ".count)) })
        else { return nil }
        return seconds + ticks / 100
    }

    /// Whether services may set the clock: whether PID 1 can have CAP_SYS_TIME (capabilities(7)).
    static func mayBeSet(on machine: any Machine) throws(AgentFault) -> Bool {
        let status = try ProcessFile.text("/proc/1/status", on: machine) ?? ""
        guard let text = ProcessStatus.field("CapBnd", status), let set = UInt64(text, radix: 16)
        else { return true }
        return set & 1 << 25 != 0
    }
}
