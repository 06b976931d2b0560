import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// A process that may run on isolated CPUs but is not a declared application.
struct Stray: Sendable, Equatable {
    var pid: Int
    /// The process name (comm).
    var name: String
    /// The systemd unit it belongs to; nil if it belongs to none.
    var unit: String?
    /// The isolated CPUs among those it may run on.
    var cpus: CPUList
    /// All CPUs it may run on.
    var allowed: CPUList
    /// Whether it is a kernel thread that can be moved.
    var isKernelThread: Bool

    var label: String {
        "process \(pid) (\(name))" + (unit.map { " of \($0)" } ?? "")
    }

    /// Every process that may run on isolated CPUs, in any of its threads.
    ///
    /// Declared applications, kernel threads that the kernel binds itself and the agent's own
    /// program are left out.
    static func find(
        _ declaration: CPUIsolationDeclaration, on machine: any Machine
    ) throws(AgentFault) -> [Stray] {
        let names = try attempt("list /proc") { () throws(SystemError) in
            try machine.list("/proc")
        }
        // This agent may have been started before the CPUs were isolated.
        let own = try? machine.linkTarget("/proc/self/exe")
        var all: [Stray] = []
        for pid in names.compactMap({ Int($0) }).sorted() {
            guard let status = try ProcessFile.text("/proc/\(pid)/status", on: machine) else {
                continue
            }
            let name = ProcessStatus.field("Name", status) ?? "?"
            var reach = reach(declaration, status)
            let flags = reach.isEmpty ? nil : try flags(of: pid, on: machine)
            let isKernelThread = (flags ?? 0) & kernelThread != 0
            if isKernelThread, (flags ?? 0) & mayNotBeMoved != 0 { continue }
            if reach.isEmpty { reach = try reachOfThreads(of: pid, declaration, on: machine) }
            if reach.isEmpty { continue }
            if let own, (try? machine.linkTarget("/proc/\(pid)/exe")) == own { continue }
            let unit = isKernelThread ? nil : try unit(of: pid, on: machine)
            let isDeclared = declaration.applications.contains {
                $0 == name || $0 == unit || "\($0).service" == unit
            }
            if isDeclared { continue }
            all.append(
                Stray(
                    pid: pid, name: name, unit: unit, cpus: reach,
                    allowed: ProcessStatus.allowedCPUs(status) ?? reach,
                    isKernelThread: isKernelThread)
            )
        }
        return all
    }

    private static func reach(_ declaration: CPUIsolationDeclaration, _ status: String) -> CPUList {
        (ProcessStatus.allowedCPUs(status) ?? CPUList([])).intersection(declaration.isolated)
    }

    /// The isolated CPUs on which threads may run, which can differ from those of the process.
    private static func reachOfThreads(
        of pid: Int, _ declaration: CPUIsolationDeclaration, on machine: any Machine
    ) throws(AgentFault) -> CPUList {
        let folder = "/proc/\(pid)/task"
        let names = try attempt("list \(folder)") { () throws(SystemError) in
            do throws(SystemError) {
                return try machine.listIfPresent(folder)
            } catch {
                if error.code == ESRCH { return [] }
                throw error
            }
        }
        var all = CPUList([])
        for name in names where name != String(pid) {
            guard let status = try ProcessFile.text("\(folder)/\(name)/status", on: machine) else {
                continue
            }
            all = all.union(reach(declaration, status))
        }
        return all
    }

    /// PF_KTHREAD and PF_NO_SETAFFINITY of the kernel's include/linux/sched.h.
    private static let kernelThread = 0x0020_0000
    private static let mayNotBeMoved = 0x0400_0000

    /// The flags of a process: the ninth field of /proc/PID/stat (proc(5)).
    private static func flags(of pid: Int, on machine: any Machine) throws(AgentFault) -> Int? {
        guard let stat = try ProcessFile.text("/proc/\(pid)/stat", on: machine),
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 6 ? Int(fields[6]) : nil
    }

    private static func unit(of pid: Int, on machine: any Machine) throws(AgentFault) -> String? {
        let text = try ProcessFile.text("/proc/\(pid)/cgroup", on: machine) ?? ""
        let path = text.filledLines.first {
            $0.hasPrefix("0::") || $0.contains(text: "name=systemd")
        }
        return path?.split(separator: "/").last {
            $0.hasSuffix(".service") || $0.hasSuffix(".scope")
        }
        .map(String.init)
    }
}

/// Fields of /proc/PID/status (proc(5)).
enum ProcessStatus {
    static func field(_ name: String, _ text: String) -> String? {
        text.filledLines.first { $0.hasPrefix(name + ":") }
            .map { $0.dropFirst(name.utf8.count + 1).trimmingSpaces() }
    }

    static func allowedCPUs(_ text: String) -> CPUList? {
        field("Cpus_allowed_list", text).flatMap { CPUList(kernelText: $0) }
    }
}
