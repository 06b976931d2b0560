import CLinux
import Glibc
import Kinds
import Linux

/// What a process has cost so far.
final class Cost {
    /// The CPUs it was seen on.
    private var cpus: Set<Int> = []

    /// Notes the CPU it is on now.
    func sample() {
        let cpu = clinux_current_cpu()
        if cpu >= 0 { cpus.insert(Int(cpu)) }
    }

    /// In kernel list syntax, with those of another process.
    func cpuList(with other: String = "") -> String {
        CPUList(cpus.union((try? CPUList(parsing: other))?.numbers ?? [])).text
    }

    /// Of this process and its children that have ended.
    static var cpuMicroseconds: Int { Int(clinux_cpu_microseconds()) }

    /// The largest resident set of this process, in bytes.
    static var residentBytes: Int {
        let status = (try? LocalMachine().textIfPresent("/proc/self/status")) ?? nil
        for line in (status ?? "").split(separator: "\n") where line.hasPrefix("VmHWM:") {
            return (Int(line.filter(\.isNumber)) ?? 0) << 10
        }
        return 0
    }
}
