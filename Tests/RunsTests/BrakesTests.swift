import Diagnostics
import FleetModel
import Runs
import Testing
import Views

/// Every combination of brakes on small fleets, against the rules said in another way.
@Suite struct BrakesTests {
    private enum Fate: CaseIterable { case well, fails, leavesWork }

    private struct Case: CustomStringConvertible {
        var fates: [Fate]
        var brakes: Brakes
        var width: Int
        var description: String { "\(fates) \(brakes) width \(width)" }
    }

    private static var cases: [Case] {
        var cases: [Case] = []
        let all = Fate.allCases
        for a in all {
            for b in all {
                for c in all {
                    for d in all {
                        for canary in 0...2 {
                            for batch in [nil, Brakes.Size.hosts(1), .hosts(2), .percent(50)] {
                                for maxFailed in [nil, 0, 1] {
                                    for width in [1, 2, 4] {
                                        cases.append(
                                            Case(
                                                fates: [a, b, c, d],
                                                brakes: Brakes(
                                                    canary: canary, batch: batch,
                                                    maxFailed: maxFailed), width: width))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return cases
    }

    /// The hosts that may be started, where each one ends in the order in which it was started.
    private static func started(_ one: Case) -> [String] {
        let hosts = one.fates.indices.map { "h\($0)" }
        var started: [String] = []
        var failed = 0
        func isStopped() -> Bool { one.brakes.maxFailed.map { failed > $0 } ?? false }
        for (number, stage) in one.brakes.stages(of: hosts).enumerated() {
            var running: [Int] = []
            var waiting = stage.compactMap { hosts.firstIndex(of: $0) }
            while true {
                while !isStopped(), running.count < one.width, !waiting.isEmpty {
                    let host = waiting.removeFirst()
                    started.append(hosts[host])
                    running.append(host)
                }
                guard let first = running.first else { break }
                running.removeFirst()
                if one.fates[first] == .fails { failed += 1 }
            }
            if isStopped() { break }
            let isCanary = number == 0 && one.brakes.canary > 0 && one.brakes.canary < hosts.count
            if isCanary,
                stage.contains(where: { host in
                    hosts.firstIndex(of: host).map { one.fates[$0] != .well } ?? false
                })
            {
                break
            }
        }
        return started
    }

    @Test func noHostBeginsThatMayNot() {
        for one in Self.cases {
            let (machine, started) = run(one)
            #expect(started == Self.started(one), "\(one)")
            #expect(machine.isOver, "\(one)")
            let left = machine.hosts.filter { !started.contains($0) }
            #expect(machine.notStarted == left, "\(one)")
            #expect((machine.stopReason != nil) == !left.isEmpty || left.isEmpty, "\(one)")
            if !left.isEmpty {
                #expect([.hostFailed, .refused].contains(machine.exitCode), "\(one)")
            }
        }
    }

    private func run(_ one: Case) -> (RunMachine, [String]) {
        let hosts = one.fates.indices.map { "h\($0)" }
        var machine = RunMachine(
            hosts: hosts, applies: true, brakes: one.brakes, width: one.width)
        var started: [String] = []
        var running: [String] = []
        func take(_ input: RunInput) {
            for case .start(let host, _) in machine.take(input, at: 0).commands {
                started.append(host)
                running.append(host)
            }
        }
        take(.begin)
        while let host = running.first {
            running.removeFirst()
            let ended: HostEvent =
                switch one.fates[hosts.firstIndex(of: host) ?? 0] {
                case .well: .ended(.changed, isClean: true)
                case .fails: .ended(.failed, isClean: false)
                case .leavesWork: .ended(.changed, isClean: false)
                }
            take(.host(host, ended))
        }
        return (machine, started)
    }

    @Test(arguments: [("1", Brakes.Size.hosts(1)), ("25%", .percent(25)), ("100%", .percent(100))])
    func readsSizes(_ text: String, _ size: Brakes.Size) {
        #expect(Brakes.size(text) == size)
        #expect(size.text == text)
    }

    @Test(arguments: ["", "0", "-1", "0%", "101%", "x", "1.5", "%"])
    func refusesOtherSizes(_ text: String) { #expect(Brakes.size(text) == nil) }
}
