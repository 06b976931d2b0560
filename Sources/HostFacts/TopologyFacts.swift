import Kinds
import Linux
import Wire

/// Which CPUs belong together: threads of a core, packages, dies, shared last-level caches.
///
/// Every group is limited to the CPUs online. A group that its members do not agree on is not
/// reported at all: isolating CPUs by it could split cores.
struct TopologyFacts {
    private static let root = "/sys/devices/system/cpu"

    let online: CPUList

    /// The CPUs online: the kernel's list, else the CPU directories that are not marked offline.
    static func online(_ probe: inout Probe) -> CPUList? {
        if let text = probe.optionalText("\(root)/online"), !text.isEmpty {
            guard let list = CPUList(kernelText: text) else {
                probe.fail("cpu.online", "\(root)/online says \"\(text.prefix(40))\"")
                return nil
            }
            return list
        }
        let names = (try? probe.machine.list(root)) ?? []
        let numbers = names.compactMap { name -> Int? in
            guard name.hasPrefix("cpu"), let number = Int(name.dropFirst(3)) else { return nil }
            return probe.optionalText("\(root)/\(name)/online") == "0" ? nil : number
        }
        if numbers.isEmpty {
            probe.fail("cpu.online", "\(root) has neither a file online nor CPUs")
            return nil
        }
        return CPUList(numbers)
    }

    /// The threads of each core, the core with the lowest CPU first.
    ///
    /// core_id is never used: it is not unique in a package, and may differ within a core.
    func siblings(_ probe: inout Probe) -> [CPUList]? {
        groups(&probe, as: "cpu.siblings", files: ["thread_siblings", "core_cpus"])
    }

    /// The CPUs of each die; nil, without a note, where the kernel reports no dies (before 5.3).
    func dies(_ probe: inout Probe) -> [CPUList]? {
        guard let first = online.numbers.first,
            probe.optionalText("\(folder(first))/topology/die_cpus_list") != nil
                || probe.optionalText("\(folder(first))/topology/die_cpus") != nil
        else { return nil }
        return groups(&probe, as: "cpu.dies", files: ["die_cpus"])
    }

    /// The CPUs of each package by its number.
    ///
    /// CPUs without a package (-1, as on some virtual machines) are left out with a note.
    func packages(_ probe: inout Probe) -> [String: CPUList] {
        var packages: [String: [Int]] = [:]
        for cpu in online.numbers {
            let file = "\(folder(cpu))/topology/physical_package_id"
            guard let text = probe.optionalText(file), let number = Int(text), number >= 0 else {
                probe.fail("cpu.packages", "\(file) does not name the package of CPU \(cpu)")
                continue
            }
            packages[String(number), default: []].append(cpu)
        }
        return packages.mapValues { CPUList($0) }
    }

    /// The CPUs that share each cache of level 3; nil, with a note, where there is none.
    func lastLevelCaches(_ probe: inout Probe) -> [CPUList]? {
        var found: Set<[Int]> = []
        for cpu in online.numbers {
            let cache = "\(folder(cpu))/cache"
            let indexes = ((try? probe.machine.list(cache)) ?? []).filter { $0.hasPrefix("index") }
            for index in indexes where probe.optionalText("\(cache)/\(index)/level") == "3" {
                let file = "\(cache)/\(index)/shared_cpu"
                if let list = list(probe, "\(file)_list", mask: "\(file)_map") {
                    found.insert(list.intersection(online).numbers)
                }
            }
        }
        if found.isEmpty {
            probe.fail("cpu.l3", "no cache of level 3 below \(Self.root)")
            return nil
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }.map { CPUList($0) }
    }

    private func folder(_ cpu: Int) -> String { "\(Self.root)/cpu\(cpu)" }

    private func list(_ probe: Probe, _ file: String, mask: String) -> CPUList? {
        if let text = probe.optionalText(file), !text.isEmpty { return CPUList(kernelText: text) }
        return probe.optionalText(mask).flatMap { try? CPUList(parsingMask: $0) }
    }

    /// Groups of a kind; nil if one cannot be read, or its members do not name the same group.
    private func groups(_ probe: inout Probe, as path: String, files: [String]) -> [CPUList]? {
        var groupOf: [Int: CPUList] = [:]
        for cpu in online.numbers {
            let topology = "\(folder(cpu))/topology"
            var group: CPUList?
            for file in files where group == nil {
                group = list(probe, "\(topology)/\(file)_list", mask: "\(topology)/\(file)")
            }
            guard let group else {
                probe.fail(path, "\(topology) has no readable \(files[0]) of CPU \(cpu)")
                return nil
            }
            groupOf[cpu] = group.intersection(online)
        }
        for (cpu, group) in groupOf.sorted(by: { $0.key < $1.key }) {
            guard group.contains(cpu), group.numbers.allSatisfy({ groupOf[$0] == group }) else {
                probe.fail(
                    path,
                    "CPU \(cpu) names \(group.text) in \(files[0]), but those CPUs do not all agree"
                )
                return nil
            }
        }
        return Set(groupOf.values.map(\.numbers)).sorted { $0.lexicographicallyPrecedes($1) }
            .map { CPUList($0) }
    }
}
