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

    /// The CPUs in kernel list syntax, together with those of another process.
    func cpuList(with other: String = "") -> String {
        CPUList(cpus.union(CPUList(kernelText: other)?.numbers ?? [])).text
    }

    /// The CPU time of this process and its children that have ended.
    static var cpuMicroseconds: Int { Int(clinux_cpu_microseconds()) }

    /// The largest resident set of this process, in bytes.
    static var residentBytes: Int {
        guard let status = try? LocalMachine().read("/proc/self/status", limit: 1 << 16),
            let line = status.split(separator: UInt8(ascii: "\n"))
                .first(where: { $0.starts(with: "VmHWM:".utf8) })
        else { return 0 }
        let digits = line.filter { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        return (Int(String(decoding: digits, as: UTF8.self)) ?? 0) << 10
    }
}
