import FleetModel
import Linux
import Wire

/// Reads facts from a machine, or from a copy of its `/proc`, `/sys` and `/etc`.
///
/// What cannot be read is null, with the reason under its path in `unknown`; nothing is guessed.
/// Never writes. Programs run only for the live state, and only what the section needs.
package struct FactsReader {
    private let machine: any Machine

    package init(machine: any Machine) { self.machine = machine }

    /// `{hardware: …, live: …}`, each half only if it is asked for.
    package func facts(hardware: Bool, sections: [String]) -> JSON {
        .compact([
            "format_version": 1,
            "hardware": hardware ? self.hardware() : nil,
            "live": sections.isEmpty ? nil : live(sections),
        ])
    }

    /// Hardware and topology: what stays the same until the host is rebuilt or rebooted.
    package func hardware() -> JSON {
        var probe = Probe(machine)
        let kernel = KernelFacts(&probe)
        var members: [String: JSON] = [
            "architecture": kernel.architecture, "hostname": kernel.hostname,
            "kernel": kernel.json, "distribution": DistributionFacts.read(&probe),
            "cpu": ProcessorFacts.read(&probe), "numa": MemoryFacts.nodes(&probe),
            "memory_bytes": MemoryFacts.total(&probe), "nics": InterfaceFacts.read(&probe),
            "dmi": FirmwareFacts.read(&probe),
            "virtualization": FirmwareFacts.virtualization(&probe),
            "init": KernelFacts.firstProcess(&probe),
            "hugepages": HugepageFacts.read(&probe), "boot_loader": BootFacts.loader(&probe),
            "ptp": ClockFacts.read(&probe),
        ]
        members["unknown"] = .object(probe.unknown.mapValues { .string($0) })
        return .object(members)
    }

    /// Sections of the live state.
    ///
    /// An unknown section is reported in `unknown`.
    package func live(_ sections: [String]) -> JSON {
        var probe = Probe(machine)
        var members: [String: JSON] = [:]
        for section in sections {
            switch section {
            case "services": members[section] = LiveFacts.services(&probe)
            case "packages": members[section] = PackageFacts.read(&probe)
            case "modules": members[section] = LiveFacts.modules(&probe)
            case "hugepages": members[section] = HugepageFacts.live(&probe)
            case "links": members[section] = InterfaceFacts.live(&probe)
            case "irqs": members[section] = InterruptFacts.read(&probe)
            case "mounts": members[section] = LiveFacts.mounts(&probe)
            case "clock": members[section] = ClockFacts.live(&probe)
            case "boot":
                members[section] = [
                    "id": probe.string("/proc/sys/kernel/random/boot_id", as: "boot.id")
                ]
            default: probe.fail(section, "there is no such section of the live state")
            }
        }
        members["unknown"] = .object(probe.unknown.mapValues { .string($0) })
        return .object(members)
    }
}

/// Reads files; where one cannot be read, notes the reason under the path of the fact.
struct Probe {
    let machine: any Machine
    private(set) var unknown: [String: String] = [:]

    init(_ machine: any Machine) { self.machine = machine }

    /// Notes that a fact is not known; returns null to put in its place.
    @discardableResult
    mutating func fail(_ path: String, _ reason: String) -> JSON {
        unknown[path] = reason
        return .null
    }

    /// The text of a file without NUL bytes and surrounding blanks; nil, with a note, on failure.
    mutating func text(_ file: String, as path: String, limit: Int = 1 << 20) -> String? {
        do throws(SystemError) {
            let bytes = try machine.read(file, limit: limit)
            return Self.clean(bytes)
        } catch {
            fail(path, "\(file): \(error.reason)")
            return nil
        }
    }

    /// The text of a file that need not exist.
    func optionalText(_ file: String, limit: Int = 1 << 20) -> String? {
        (try? machine.read(file, limit: limit)).map(Self.clean)
    }

    /// A whole file as one string.
    mutating func string(_ file: String, as path: String) -> JSON {
        text(file, as: path).map { .string($0) } ?? .null
    }

    /// A whole file as one integer.
    mutating func integer(_ file: String, as path: String) -> JSON {
        guard let text = text(file, as: path) else { return .null }
        guard let number = Int(text) else {
            return fail(path, "\(file) says \"\(text.prefix(40))\"")
        }
        return .integer(number)
    }

    private static func clean(_ bytes: [UInt8]) -> String {
        // Some kernels write NUL bytes into cpumask files; low bytes of DMI strings vary as well.
        let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
        let start = text.drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
