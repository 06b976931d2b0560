import Kinds
import Linux
import Wire

/// Memory, whole and by NUMA node.
enum MemoryFacts {
    static func total(_ probe: inout Probe) -> JSON {
        guard let text = probe.text("/proc/meminfo", as: "memory_bytes") else { return .null }
        return kilobytes(text, key: "MemTotal:")
            ?? probe.fail("memory_bytes", "/proc/meminfo has no MemTotal")
    }

    static func nodes(_ probe: inout Probe) -> JSON {
        let root = "/sys/devices/system/node"
        guard let names = try? probe.machine.list(root) else {
            return probe.fail("numa", "\(root) cannot be listed")
        }
        var nodes: [String: JSON] = [:]
        for name in names where name.hasPrefix("node") {
            guard let number = Int(name.dropFirst(4)) else { continue }
            let path = "numa.\(number)"
            // Old kernels have only the mask.
            let mask = probe.optionalText("\(root)/\(name)/cpumap")
                .flatMap { try? CPUList(parsingMask: $0) }
            let cpus =
                probe.optionalText("\(root)/\(name)/cpulist").flatMap { CPUList(kernelText: $0) }
                ?? mask
            let memory = probe.optionalText("\(root)/\(name)/meminfo").flatMap {
                kilobytes($0, key: "MemTotal:")
            }
            nodes[String(number)] = [
                "cpus": cpus.map { .string($0.text) }
                    ?? probe.fail("\(path).cpus", "\(name) has no readable cpulist or cpumap"),
                "memory_bytes": memory
                    ?? probe.fail("\(path).memory_bytes", "no MemTotal in meminfo of \(name)"),
            ]
        }
        return .object(nodes)
    }

    private static func kilobytes(_ text: String, key: String) -> JSON? {
        for line in text.filledLines {
            let words = line.split(separator: " ")
            if let index = words.firstIndex(where: { $0 == key }), index + 1 < words.count,
                let number = Int(words[index + 1])
            {
                return .integer(number * 1024)
            }
        }
        return nil
    }
}
