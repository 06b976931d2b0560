import Kinds
import Wire

/// The CPU topology of a machine, from its facts; pure.
package struct MachineTopology: Sendable, Equatable {
    /// One core: its threads, its node and its package.
    package struct Core: Sendable, Equatable {
        /// Threads online, ascending.
        package let threads: CPUList
        /// NUMA node; nil where the machine does not report it, or reports overlapping nodes.
        package let node: Int?
        /// Package; nil where unknown.
        package let package: Int?

        /// The thread with the lowest number.
        package var first: Int { threads.numbers[0] }
        /// All threads but the first.
        package var others: CPUList { CPUList(threads.numbers.dropFirst()) }
    }

    package let online: CPUList
    /// CPUs present in sockets, online or not; `online` where the machine does not report it.
    package let present: CPUList
    /// In the order of their first threads.
    package let cores: [Core]
    /// Node of each network interface by name; nil where the machine does not report it.
    package let interfaces: [String: Int?]
    /// Notes on what makes the answer less certain on this machine.
    package let findings: [String]

    /// The lowest CPU online: where the kernel keeps what it cannot move.
    package var bootCPU: Int { online.numbers[0] }

    /// The nodes that have CPUs, ascending; none where NUMA is not known.
    package var nodes: [Int] { Set(cores.compactMap(\.node)).sorted() }

    /// The groups that each keep housekeeping cores: nodes, else packages, else all CPUs as one.
    package var domains: [[Core]] {
        if !nodes.isEmpty { return nodes.map { node in cores.filter { $0.node == node } } }
        let packages = Set(cores.compactMap(\.package)).sorted()
        if packages.count > 1, cores.allSatisfy({ $0.package != nil }) {
            return packages.map { package in cores.filter { $0.package == package } }
        }
        return [cores]
    }
}

extension MachineTopology {
    /// Reads the `hardware` half of facts; throws if CPUs cannot be isolated safely with them.
    package init(facts: JSON) throws(IsolationRefusal) {
        guard let cpu = facts["cpu"], cpu["online"] != nil else {
            throw IsolationRefusal(
                "these facts have no cpu.online",
                hint: "read them with this version: muster facts, or muster facts --root DIR")
        }
        let online = try Self.list(cpu["online"], "cpu.online", facts)
        if online.isEmpty { throw IsolationRefusal("cpu.online is empty") }
        var findings: [String] = []
        let nodes = Self.nodes(facts, online: online, &findings)
        let packages = (cpu["packages"]?.object ?? [:]).compactMap {
            name, list -> (Int, CPUList)? in
            guard let number = Int(name), let text = list.string,
                let cpus = try? CPUList(parsing: text)
            else { return nil }
            return (number, cpus)
        }
        guard let siblings = cpu["siblings"]?.array, !siblings.isEmpty else {
            let reason = facts["unknown"]?["cpu.siblings"]?.string
            throw IsolationRefusal(
                "which threads share a core is not known" + (reason.map { ": \($0)" } ?? ""),
                hint: "isolating without it could split a core")
        }
        var cores: [Core] = []
        var seen: Set<Int> = []
        for group in siblings {
            let threads = try Self.list(group, "cpu.siblings", facts)
            guard let first = threads.numbers.first, seen.isDisjoint(with: threads.numbers),
                threads.subtracting(online).isEmpty
            else {
                throw IsolationRefusal(
                    "cpu.siblings has \(threads.text), which overlaps another core or is not online"
                )
            }
            seen.formUnion(threads.numbers)
            let node = nodes.first { $0.cpus.contains(first) }
            if let node, !threads.subtracting(node.cpus).isEmpty {
                throw IsolationRefusal("core \(threads.text) lies on more than one NUMA node")
            }
            cores.append(
                Core(
                    threads: threads, node: node?.number,
                    package: packages.first { $0.1.contains(first) }?.0))
        }
        guard seen == Set(online.numbers) else {
            let without = online.subtracting(CPUList(seen)).text
            throw IsolationRefusal("cpu.siblings does not name the core of CPU \(without)")
        }
        if !nodes.isEmpty, let homeless = cores.first(where: { $0.node == nil }) {
            throw IsolationRefusal("CPU \(homeless.first) is on no NUMA node, but others are")
        }
        self.online = online
        present = (try? Self.list(cpu["present"], "cpu.present", facts)) ?? online
        self.cores = cores.sorted { $0.first < $1.first }
        interfaces = (facts["nics"]?.object ?? [:]).mapValues { interface in
            interface["numa_node"]?.integer
                ?? Self.node(local: interface["local_cpus"], nodes, online)
        }
        self.findings = findings
    }

    private static func list(
        _ value: JSON?, _ path: String, _ facts: JSON
    ) throws(IsolationRefusal) -> CPUList {
        guard let text = value?.string else {
            let reason = facts["unknown"]?[path]?.string
            throw IsolationRefusal("\(path) is not known" + (reason.map { ": \($0)" } ?? ""))
        }
        do {
            return try CPUList(parsing: text)
        } catch {
            throw IsolationRefusal("\(path): \(error.message)", hint: error.hint)
        }
    }

    /// The node of a device that names nearby CPUs but no node; nil if it names all CPUs.
    private static func node(
        local: JSON?, _ nodes: [(number: Int, cpus: CPUList)], _ online: CPUList
    ) -> Int? {
        guard let text = local?.string, let cpus = try? CPUList(parsing: text).intersection(online),
            !cpus.isEmpty, cpus != online
        else { return nil }
        return nodes.first { cpus.subtracting($0.cpus).isEmpty }?.number
    }

    /// Nodes with CPUs online; none where any two overlap, which is a fault of the firmware.
    private static func nodes(
        _ facts: JSON, online: CPUList, _ findings: inout [String]
    ) -> [(number: Int, cpus: CPUList)] {
        var nodes: [(number: Int, cpus: CPUList)] = []
        for (name, node) in facts["numa"]?.object ?? [:] {
            guard let number = Int(name), let text = node["cpus"]?.string,
                let cpus = try? CPUList(parsing: text).intersection(online), !cpus.isEmpty
            else { continue }
            nodes.append((number, cpus))
        }
        nodes.sort { $0.number < $1.number }
        if nodes.isEmpty {
            findings.append(
                "NUMA nodes are not known: housekeeping is kept for each package instead")
        }
        for (index, node) in nodes.enumerated() {
            for other in nodes[..<index] where !other.cpus.intersection(node.cpus).isEmpty {
                findings.append(
                    "NUMA nodes \(other.number) and \(node.number) share CPUs, which is a fault "
                        + "of the firmware: nodes are ignored")
                return []
            }
        }
        return nodes
    }
}

/// Why the requested CPUs cannot be isolated on this machine.
package struct IsolationRefusal: Error, Sendable, Equatable {
    package let cause: String
    package let hint: String?

    package init(_ cause: String, hint: String? = nil) {
        self.cause = cause
        self.hint = hint
    }
}
