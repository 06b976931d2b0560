import Diagnostics
import FleetModel
import Kinds

/// Holds the queues of network cards against the CPUs that are left for their interrupts.
enum QueueCheck {
    /// A card with more queues than housekeeping CPUs: a driver that spreads its interrupts itself
    /// then gives some to isolated ones.
    static func faults(_ resources: [ResolvedResource]) -> [Diagnostic] {
        let rooms = resources.compactMap { resource -> CPUList? in
            if case .room(let cpus) = resource.interrupts { cpus } else { nil }
        }
        guard let cpus = rooms.first else { return [] }
        return resources.compactMap { resource -> Diagnostic? in
            guard case .queues(let queues) = resource.interrupts else { return nil }
            let room = cpus.numbers.count
            guard queues > room else { return nil }
            return Diagnostic(
                "too-many-queues",
                "\(resource.label) is to have \(queues) queues, and "
                    + (room == 1 ? "one housekeeping CPU is" : "\(room) housekeeping CPUs are")
                    + " left for their interrupts (\(cpus.text))",
                at: resource.place,
                cause: "interrupts of the others would go to isolated CPUs",
                hint: "channels of \(room) at most, or more housekeeping CPUs")
        }
    }
}
