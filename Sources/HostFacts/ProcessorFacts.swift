import Kinds
import Linux
import Wire

/// CPUs and how they are built together.
enum ProcessorFacts {
    private static let root = "/sys/devices/system/cpu"

    static func read(_ probe: inout Probe) -> JSON {
        let online = list(&probe, "online")
        let numbers = online?.numbers ?? []
        var cores: Set<String> = []
        var packages: Set<String> = []
        var largest = 0
        for number in numbers {
            let folder = "\(root)/cpu\(number)/topology"
            let siblings =
                probe.optionalText("\(folder)/thread_siblings_list")
                ?? probe.optionalText("\(folder)/core_cpus_list")
            guard let siblings, let parsed = CPUList(kernelText: siblings) else {
                probe.fail("cpu.cores", "\(folder) does not tell the siblings of CPU \(number)")
                continue
            }
            cores.insert(parsed.text)
            largest = max(largest, parsed.numbers.count)
            if let package = probe.optionalText("\(folder)/physical_package_id") {
                packages.insert(package)
            }
        }
        return [
            "model": model(&probe),
            "online": online.map { .string($0.text) } ?? .null,
            "possible": list(&probe, "possible").map { .string($0.text) } ?? .null,
            "count": online == nil ? .null : .integer(numbers.count),
            "cores": cores.isEmpty ? .null : .integer(cores.count),
            "sockets": packages.isEmpty
                ? probe.fail("cpu.sockets", "no physical_package_id") : .integer(packages.count),
            "threads_per_core": largest == 0 ? .null : .integer(largest),
            "isolated": .string(optionalList(probe, "isolated")),
            "nohz_full": .string(optionalList(probe, "nohz_full")),
        ]
    }

    private static func list(_ probe: inout Probe, _ name: String) -> CPUList? {
        guard let text = probe.text("\(root)/\(name)", as: "cpu.\(name)") else { return nil }
        guard let list = CPUList(kernelText: text) else {
            probe.fail("cpu.\(name)", "\(root)/\(name) says \"\(text.prefix(40))\"")
            return nil
        }
        return list
    }

    /// A list whose absence means that there are none.
    private static func optionalList(_ probe: Probe, _ name: String) -> String {
        probe.optionalText("\(root)/\(name)").flatMap { CPUList(kernelText: $0) }?.text ?? ""
    }

    private static func model(_ probe: inout Probe) -> JSON {
        guard let text = probe.text("/proc/cpuinfo", as: "cpu.model", limit: 16 << 20) else {
            return .null
        }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let key = parts[0].filter { !$0.isWhitespace }
            if key == "modelname" {
                return .string(
                    parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " "))
            }
        }
        return probe.fail("cpu.model", "/proc/cpuinfo has no model name")
    }
}
