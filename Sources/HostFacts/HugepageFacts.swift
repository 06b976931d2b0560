import Linux
import Wire

/// Huge pages by their size in kB, of the machine and of each NUMA node
/// (kernel: Documentation/admin-guide/mm/hugetlbpage.rst).
enum HugepageFacts {
    private static let root = "/sys/kernel/mm/hugepages"

    /// `{default_kb: 2048, sizes_kb: [2048, 1048576]}`: what the machine offers.
    static func read(_ probe: inout Probe) -> JSON {
        let path = "hugepages.sizes_kb"
        let sizes: JSON
        if let names = try? probe.machine.list(root) {
            sizes = .array(names.compactMap(size).sorted().map { .integer($0) })
        } else {
            sizes = probe.fail(
                path, "\(root) is not there: a kernel without hugetlbfs, or a container")
        }
        return ["default_kb": defaultSize(&probe), "sizes_kb": sizes]
    }

    /// `{sizes: {"2048": {total, free, reserved, surplus}}, nodes: {"0": {"2048": {total, free}}}}`.
    static func live(_ probe: inout Probe) -> JSON {
        let sizes = sizes(
            &probe, below: root, as: "hugepages.sizes",
            files: [
                "total": "nr_hugepages", "free": "free_hugepages", "reserved": "resv_hugepages",
                "surplus": "surplus_hugepages",
            ])
        let nodeRoot = "/sys/devices/system/node"
        var nodes: [String: JSON] = [:]
        for name in (try? probe.machine.list(nodeRoot)) ?? [] {
            guard name.hasPrefix("node"), let number = Int(name.dropFirst(4)) else { continue }
            nodes[String(number)] = self.sizes(
                &probe, below: "\(nodeRoot)/\(name)/hugepages", as: "hugepages.nodes.\(number)",
                files: ["total": "nr_hugepages", "free": "free_hugepages"])
        }
        return ["sizes": sizes, "nodes": .object(nodes)]
    }

    /// `hugepages-2048kB` is 2048.
    private static func size(_ name: String) -> Int? {
        guard name.hasPrefix("hugepages-"), name.hasSuffix("kB") else { return nil }
        return Int(name.dropFirst(10).dropLast(2))
    }

    private static func sizes(
        _ probe: inout Probe, below folder: String, as path: String, files: [String: String]
    ) -> JSON {
        guard let names = try? probe.machine.list(folder) else {
            return probe.fail(
                path, "\(folder) is not there: a kernel without hugetlbfs, or a container")
        }
        var sizes: [String: JSON] = [:]
        for name in names {
            guard let size = size(name) else { continue }
            var counts: [String: JSON] = [:]
            for (member, file) in files {
                counts[member] = probe.integer(
                    "\(folder)/\(name)/\(file)", as: "\(path).\(size).\(member)")
            }
            sizes[String(size)] = .object(counts)
        }
        return .object(sizes)
    }

    private static func defaultSize(_ probe: inout Probe) -> JSON {
        let path = "hugepages.default_kb"
        guard let text = probe.text("/proc/meminfo", as: path) else { return .null }
        let line = text.filledLines.first { $0.hasPrefix("Hugepagesize:") }
        guard let size = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            return probe.fail(path, "/proc/meminfo has no Hugepagesize")
        }
        return .integer(size)
    }
}
