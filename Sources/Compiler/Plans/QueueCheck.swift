import Diagnostics
import FleetModel
import Kinds
import Wire

/// Holds the queues of network cards against the CPUs that are left for their interrupts.
enum QueueCheck {
    /// A card with more queues than housekeeping CPUs: a driver that spreads its interrupts itself
    /// then gives some to isolated ones.
    static func faults(_ resources: [ResolvedResource]) -> [Diagnostic] {
        guard
            let isolation = resources.first(where: {
                $0.planned.kind == .cpuIsolation && !$0.isAbsent
            }),
            let housekeeping = isolation.planned.attributes["housekeeping"]?.string,
            let cpus = try? CPUList(parsing: housekeeping), !cpus.isEmpty
        else { return [] }
        return resources.compactMap { resource -> Diagnostic? in
            guard resource.planned.kind == .nic, !resource.isAbsent else { return nil }
            let queues = queues(resource.planned.attributes["channels"])
            let room = cpus.numbers.count
            guard queues > room else { return nil }
            return Diagnostic(
                "too-many-queues",
                "nic \(resource.planned.name) is to have \(queues) queues, and "
                    + (room == 1 ? "one housekeeping CPU is" : "\(room) housekeeping CPUs are")
                    + " left for their interrupts (\(cpus.text))",
                at: resource.place,
                cause: "interrupts of the others would go to isolated CPUs",
                hint: "channels of \(room) at most, or more housekeeping CPUs")
        }
    }

    private static func queues(_ channels: JSON?) -> Int {
        func count(_ name: String) -> Int { channels?[name]?.integer ?? 0 }
        return count("combined") + max(count("rx"), count("tx"))
    }
}
