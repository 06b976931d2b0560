import Kinds
import Linux
import Wire

/// Interrupts by number: their actions, their affinity and their effective affinity.
enum InterruptFacts {
    /// `{"24": {actions, affinity, effective, interface}}`; those without an action are left out.
    static func read(_ probe: inout Probe) -> JSON {
        guard let text = probe.text("/proc/interrupts", as: "irqs", limit: 16 << 20) else {
            return .null
        }
        let interfaces = interfacesByNumber(probe)
        var all: [String: JSON] = [:]
        for (number, actions) in actions(in: text) {
            let folder = "/proc/irq/\(number)"
            all[String(number)] = [
                "actions": .strings(actions),
                "affinity": list(&probe, "\(folder)/smp_affinity_list", "irqs.\(number).affinity"),
                "effective": list(
                    &probe, "\(folder)/effective_affinity_list", "irqs.\(number).effective"),
                "interface": .optional(interfaces[number]) ?? .null,
            ]
        }
        return .object(all)
    }

    private static func list(_ probe: inout Probe, _ file: String, _ path: String) -> JSON {
        guard let text = probe.text(file, as: path) else { return .null }
        guard let list = CPUList(kernelText: text) else {
            return probe.fail(path, "\(file) says \"\(text.prefix(40))\"")
        }
        return .string(list.text)
    }

    /// The actions of each numbered line of /proc/interrupts.
    ///
    /// A line has a count for each CPU, the chip, the line of the chip, and the actions, separated
    /// by commas.
    private static func actions(in text: String) -> [(Int, [String])] {
        let lines = text.filledLines
        let cpus = (lines.first ?? "").split(separator: " ").count { $0.hasPrefix("CPU") }
        return lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"),
                let number = Int(line[..<colon].filter { $0 != " " })
            else { return nil }
            let words = line[line.index(after: colon)...].split(separator: " ").dropFirst(cpus)
            // The chip is one word, its line like 1048576-edge; on ARM, a number and Edge or Level.
            guard
                let line = words.firstIndex(where: {
                    $0.hasSuffix("-edge") || $0.hasSuffix("-fasteoi") || $0 == "Edge"
                        || $0 == "Level"
                })
            else { return nil }
            let actions = words[(line + 1)...].joined(separator: " ").split(separator: ",").map {
                String($0.drop { $0 == " " })
            }
            return actions.isEmpty ? nil : (number, actions)
        }
    }

    /// Which interface a message-signalled interrupt belongs to.
    private static func interfacesByNumber(_ probe: Probe) -> [Int: String] {
        let root = "/sys/class/net"
        var interfaces: [Int: String] = [:]
        for name in (try? probe.machine.list(root)) ?? [] {
            guard let device = InterfaceFacts.device(of: name, probe) else { continue }
            for irq in (try? probe.machine.list("\(device.folder)/msi_irqs")) ?? [] {
                if let number = Int(irq) { interfaces[number] = name }
            }
        }
        return interfaces
    }
}
