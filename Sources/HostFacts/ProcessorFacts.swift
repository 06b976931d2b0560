import Kinds
import Linux
import Wire

/// CPUs and their topology.
enum ProcessorFacts {
    private static let root = "/sys/devices/system/cpu"

    static func read(_ probe: inout Probe) -> JSON {
        var members: [String: JSON] = [
            "model": model(&probe),
            "possible": list(&probe, "possible"), "present": list(&probe, "present"),
            "offline": list(&probe, "offline"),
            "isolated": optionalList(&probe, "isolated"),
            "nohz_full": optionalList(&probe, "nohz_full"),
            "vulnerabilities": vulnerabilities(probe),
            "smt": .optional(probe.optionalText("\(root)/smt/control"))
                ?? probe.fail("cpu.smt", "\(root)/smt/control is not there"),
            "idle_driver": .optional(probe.optionalText("\(root)/cpuidle/current_driver"))
                ?? "none",
        ]
        let online = TopologyFacts.online(&probe)
        members["online"] = online.map { .string($0.text) } ?? .null
        members["count"] = online.map { .integer($0.numbers.count) } ?? .null
        // CPU 0 may be offline.
        let first = online?.numbers.first ?? 0
        members["frequency_driver"] =
            .optional(probe.optionalText("\(root)/cpu\(first)/cpufreq/scaling_driver")) ?? "none"
        members.merge(topology(online, &probe)) { _, new in new }
        return .object(members)
    }

    /// The kernel's report on each hardware vulnerability and its mitigation.
    private static func vulnerabilities(_ probe: Probe) -> JSON {
        let folder = "\(root)/vulnerabilities"
        var all: [String: JSON] = [:]
        for name in (try? probe.machine.list(folder)) ?? [] {
            all[name] = .optional(probe.optionalText("\(folder)/\(name)")) ?? .null
        }
        return .object(all)
    }

    private static func topology(_ online: CPUList?, _ probe: inout Probe) -> [String: JSON] {
        guard let online else {
            return Dictionary(
                uniqueKeysWithValues: [
                    "siblings", "cores", "threads_per_core", "packages", "sockets", "dies", "l3",
                ].map { ($0, probe.fail("cpu.\($0)", "the CPUs online are not known")) })
        }
        let topology = TopologyFacts(online: online)
        let siblings = topology.siblings(&probe)
        let packages = topology.packages(&probe)
        return [
            "siblings": lists(siblings),
            "cores": siblings.map { .integer($0.count) } ?? .null,
            "threads_per_core": siblings?.map(\.numbers.count).max().map { .integer($0) } ?? .null,
            "packages": packages.isEmpty
                ? .null : .object(packages.mapValues { .string($0.text) }),
            "sockets": packages.isEmpty
                ? probe.fail("cpu.sockets", "no physical_package_id") : .integer(packages.count),
            "dies": lists(topology.dies(&probe)),
            "l3": lists(topology.lastLevelCaches(&probe)),
        ]
    }

    private static func lists(_ groups: [CPUList]?) -> JSON {
        groups.map { .array($0.map { .string($0.text) }) } ?? .null
    }

    private static func list(_ probe: inout Probe, _ name: String) -> JSON {
        guard let text = probe.text("\(root)/\(name)", as: "cpu.\(name)") else { return .null }
        guard let list = CPUList(kernelText: text) else {
            return probe.fail("cpu.\(name)", "\(root)/\(name) says \"\(text.prefix(40))\"")
        }
        return .string(list.text)
    }

    /// A list of CPUs, which is empty where the file does not exist.
    private static func optionalList(_ probe: inout Probe, _ name: String) -> JSON {
        guard let text = probe.optionalText("\(root)/\(name)") else { return "" }
        guard let list = CPUList(kernelText: text) else {
            return probe.fail("cpu.\(name)", "\(root)/\(name) says \"\(text.prefix(40))\"")
        }
        return .string(list.text)
    }

    private static func model(_ probe: inout Probe) -> JSON {
        guard let text = probe.text("/proc/cpuinfo", as: "cpu.model", limit: 16 << 20) else {
            return .null
        }
        for line in text.filledLines {
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
