import CLinux
import Kinds
import Linux
import Wire

/// The CPUs an agent may use: those that are not isolated.
struct Housekeeping {
    /// The CPUs the agent was started with; programs that an apply starts get these.
    let original: CPUList
    /// The CPUs the agent keeps to.
    let chosen: CPUList

    /// Reads which CPUs are isolated and chooses others; changes nothing.
    init(machine: any Machine, original: CPUList) {
        self.original = original
        let isolated = Isolation(machine).cpus
        let free = original.numbers.filter { !isolated.contains($0) }
        if !free.isEmpty {
            chosen = CPUList(free)
            return
        }
        // The agent was started on isolated CPUs only: any other CPU that is online is better.
        let online = Isolation.list(machine, "/sys/devices/system/cpu/online")
        let other = online.subtracting(isolated)
        chosen = other.isEmpty ? original : CPUList(other)
    }

    /// Moves this process, and all processes that it forks, to the chosen CPUs; returns a notice if
    /// that fails.
    func move() -> String? {
        if chosen == original { return nil }
        let answer = clinux_set_affinity(chosen.affinityMask, chosen.affinityMask.count)
        if answer >= 0 { return nil }
        return "the agent could not move to the housekeeping CPUs \(chosen.text): "
            + SystemError.text(of: -answer)
    }
}

/// The CPUs that a machine keeps free of ordinary work.
struct Isolation {
    /// The agent runs on other CPUs than these.
    let cpus: Set<Int>

    init(_ machine: any Machine) {
        var all = Isolation.list(machine, "/sys/devices/system/cpu/isolated")
        all.formUnion(Isolation.list(machine, "/sys/devices/system/cpu/nohz_full"))
        all.formUnion(Isolation.cpusets(machine))
        cpus = all
    }

    static func list(_ machine: any Machine, _ path: String) -> Set<Int> {
        let text = (try? machine.textIfPresent(path, limit: 65_536)) ?? nil
        return Set(CPUList(kernelText: text ?? "")?.numbers ?? [])
    }

    /// Isolated cpuset partitions: the kernel lists them since 6.7; before that, they are searched
    /// for in the cgroups.
    private static func cpusets(_ machine: any Machine) -> Set<Int> {
        let root = "/sys/fs/cgroup"
        if let text = (try? machine.textIfPresent(root + "/cpuset.cpus.isolated")) ?? nil {
            return Set(CPUList(kernelText: text)?.numbers ?? [])
        }
        let control = (try? machine.textIfPresent(root + "/cgroup.subtree_control")) ?? nil
        if let control {
            if !control.split(whereSeparator: \.isWhitespace).contains("cpuset") { return [] }
            return partitions(machine, root, depth: 3)
        }
        return exclusiveSets(machine, root + "/cpuset", depth: 2)
    }

    private static func partitions(
        _ machine: any Machine, _ directory: String, depth: Int
    ) -> Set<Int> {
        var all: Set<Int> = []
        for child in subdirectories(machine, directory) {
            let kind = (try? machine.textIfPresent(child + "/cpuset.cpus.partition")) ?? nil
            guard let kind else { continue }
            if kind.hasPrefix("isolated") && !kind.contains(text: "invalid") {
                all.formUnion(list(machine, child + "/cpuset.cpus"))
            }
            if depth > 1 { all.formUnion(partitions(machine, child, depth: depth - 1)) }
        }
        return all
    }

    /// Cgroup v1: exclusive cpusets without load balancing, as `cset shield` makes them.
    private static func exclusiveSets(
        _ machine: any Machine, _ directory: String, depth: Int
    ) -> Set<Int> {
        var all: Set<Int> = []
        for child in subdirectories(machine, directory) {
            func flag(_ name: String) -> Bool? {
                ((try? machine.textIfPresent("\(child)/cpuset.\(name)")) ?? nil)
                    .map { $0.hasPrefix("1") }
            }
            guard let isExclusive = flag("cpu_exclusive") else { continue }
            if isExclusive && flag("sched_load_balance") == false {
                all.formUnion(list(machine, child + "/cpuset.cpus"))
            }
            if depth > 1 { all.formUnion(exclusiveSets(machine, child, depth: depth - 1)) }
        }
        return all
    }

    private static func subdirectories(_ machine: any Machine, _ directory: String) -> [String] {
        ((try? machine.list(directory)) ?? []).map { directory + "/" + $0 }.filter {
            (try? machine.status($0, followLinks: false))?.type == .directory
        }
    }
}

extension CPUList {
    /// The CPUs this process may run on.
    static var ofThisProcess: CPUList {
        var mask = [UInt8](repeating: 0, count: 1024)
        let filled = clinux_get_affinity(&mask, mask.count)
        if filled <= 0 { return CPUList([]) }
        return CPUList(
            (0..<Int(filled) * 8).filter { mask[$0 / 8] >> UInt8($0 % 8) & 1 == 1 })
    }

    /// As sched_setaffinity(2) takes it, on a little-endian machine.
    var affinityMask: [UInt8] {
        var mask = [UInt8](repeating: 0, count: ((numbers.last ?? 0) / 64 + 1) * 8)
        for number in numbers { mask[number / 8] |= 1 << UInt8(number % 8) }
        return mask
    }
}
