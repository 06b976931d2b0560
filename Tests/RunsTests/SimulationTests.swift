import Diagnostics
import FleetModel
import Runs
import TestSupport
import Testing
import Views

/// Thousands of fleets, each from a seed, held to what must never happen.
@Suite struct SimulationTests {
    /// `MUSTER_SEEDS` asks for more of them.
    static let seeds = Environment.number("MUSTER_SEEDS") ?? 3_000

    @Test func everyRunEndsAndKeepsItsBrakes() {
        var restarts = 0
        for seed in 0..<UInt64(Self.seeds) {
            var simulation = Simulation(seed: seed)
            let ended = simulation.run()
            if !ended || !simulation.violations.isEmpty {
                var again = Simulation(seed: seed, traces: true)
                _ = again.run()
                Issue.record(
                    """
                    seed \(seed): ended \(ended); \(simulation.violations.prefix(3))
                    \(again.trace.suffix(30).joined(separator: "\n"))
                    """)
                return
            }
            restarts += simulation.controllers - 1
            check(simulation, seed)
        }
        #expect(
            restarts > Self.seeds / 10, "controllers hardly ever died: the simulation proves little"
        )
        print("simulated \(Self.seeds) runs, of which controllers died \(restarts) times")
    }

    private func check(_ simulation: Simulation, _ seed: UInt64) {
        let machine = simulation.machine
        for host in machine.hosts {
            #expect(machine.state(of: host)?.outcome != nil, "seed \(seed): \(host) has no end")
            #expect(
                simulation.recorded[host]?.state == machine.state(of: host),
                "seed \(seed): the store has another end of \(host)")
        }
        #expect(machine.exitCode == expectedCode(machine), "seed \(seed)")
    }

    /// The exit code told from the outcomes alone, in another way than the machine's.
    private func expectedCode(_ machine: RunMachine) -> ExitCode {
        let all = machine.hosts.map {
            (machine.state(of: $0)?.outcome ?? .unknown, machine.isGood($0) ?? false)
        }
        let outcomes = Set(all.map(\.0))
        let interrupted = machine.stopReason == .interrupted
        if machine.isCancelled { return .interrupted }
        if outcomes.contains(.stopped) || (outcomes.contains(.notStarted) && interrupted) {
            return .interrupted
        }
        if case .cannotRecord? = machine.stopReason, outcomes.contains(.notStarted) {
            return .hostFailed
        }
        if !outcomes.isDisjoint(with: [.failed, .notCompiled, .unknown]) { return .hostFailed }
        if outcomes.contains(.refused) || outcomes.contains(.notStarted) { return .refused }
        if outcomes.contains(.differs)
            || machine.applies && all.contains(where: { $0.0.isWell && !$0.1 })
        {
            return .differences
        }
        return outcomes.contains(.unreachable) ? .unreachable : .done
    }
}
