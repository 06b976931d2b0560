import Diagnostics
import FleetModel
import Kinds

/// Compares the queues of network cards with the number of CPUs for their interrupts.
enum QueueCheck {
    /// Faults for cards that have more queues than there are housekeeping CPUs.
    ///
    /// A driver that spreads its interrupts itself would then use isolated CPUs.
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
                "\(resource.label) has \(queues) queues, but only "
                    + (room == 1 ? "one housekeeping CPU is" : "\(room) housekeeping CPUs are")
                    + " available for their interrupts (\(cpus.text))",
                at: resource.place,
                cause: "interrupts of the other queues would go to isolated CPUs",
                hint: "use at most \(room) channels, or more housekeeping CPUs")
        }
    }
}
