import FleetModel
import Runs
import TestSupport
import Views
import Wire

/// A fleet that is not there: hosts with habits, an operator, a store, and a controller that may die.
///
/// Drives a ``RunMachine`` as the real driver does: transitions are recorded, then commands carried
/// out. Everything comes from one seed; time is counted, never waited for.
struct Simulation {
    enum Habit: CaseIterable {
        case good, alreadySo, leavesWork, fails, refuses, doesNotCompile, isUnreachable
        case hangsConnecting, hangsRunning, vanishesRunning, answersTwice, reboots, staysAway
    }

    struct World {
        /// How often a request was carried out on the host from its beginning.
        var begun = 0
        /// Whether the host's journal has the run as ended.
        var journalEnded = false
        var hasRebooted = false
    }

    private(set) var machine: RunMachine
    private(set) var violations: [String] = []
    /// What happened, in order, for a seed that fails.
    private(set) var trace: [String] = []
    private let traces: Bool
    /// What the store has.
    private(set) var recorded: [String: HostTransition] = [:]
    private(set) var world: [String: World] = [:]
    private(set) var controllers = 1
    private var habits: [String: Habit]
    private var generator: SeededGenerator
    private var now = 0.0
    private var queue: [(at: Double, input: RunInput)] = []
    private var controllerMayDie: Bool
    private let brakes: Brakes
    private let width: Int
    private let applies: Bool
    private var mayInterrupt: Bool
    private var storeMayFail: Bool

    /// `traces` keeps what happened, for a seed that failed.
    init(seed: UInt64, traces: Bool = false) {
        self.traces = traces
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...12, using: &generator)
        let hosts = (1...count).map { "h\($0)" }
        var habits: [String: Habit] = [:]
        let goodShare = Int.random(in: 0...10, using: &generator)
        for host in hosts {
            habits[host] =
                Int.random(in: 0..<10, using: &generator) < goodShare
                ? .good : Habit.allCases.randomElement(using: &generator) ?? .good
        }
        self.habits = habits
        let batch: Brakes.Size? =
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: nil
            case 1: .hosts(Int.random(in: 1...4, using: &generator))
            default: .percent(Int.random(in: 1...100, using: &generator))
            }
        brakes = Brakes(
            canary: Int.random(in: 0...3, using: &generator), batch: batch,
            maxFailed: Bool.random(using: &generator)
                ? Int.random(in: 0...3, using: &generator) : nil)
        width = Int.random(in: 1...6, using: &generator)
        applies = Int.random(in: 0..<4, using: &generator) > 0
        mayInterrupt = Int.random(in: 0..<4, using: &generator) == 0
        storeMayFail = Int.random(in: 0..<8, using: &generator) == 0
        controllerMayDie = Int.random(in: 0..<3, using: &generator) == 0
        machine = RunMachine(
            hosts: hosts, applies: applies, brakes: brakes, width: width)
        for host in hosts {
            recorded[host] = HostTransition(host: host, state: .waiting)
            world[host] = World()
        }
        self.generator = generator
    }

    /// Runs to the end; false where there was none within a day of the fleet's time.
    mutating func run() -> Bool {
        deliver(.begin)
        var steps = 0
        while !machine.isOver {
            steps += 1
            if steps > 5_000 || now > 86_400 { return false }
            if controllerMayDie, Int.random(in: 0..<25, using: &generator) == 0 {
                restart()
                continue
            }
            if mayInterrupt, Int.random(in: 0..<20, using: &generator) == 0 {
                deliver(.interrupt)
                continue
            }
            if storeMayFail, Int.random(in: 0..<30, using: &generator) == 0 {
                deliver(.cannotRecord("disk full"))
                continue
            }
            let due = queue.indices.min { queue[$0].at < queue[$1].at }
            let deadline = machine.nextDeadline ?? .infinity
            if let due, queue[due].at <= deadline {
                let (at, input) = queue.remove(at: due)
                now = max(now, at)
                deliver(input)
            } else if deadline.isFinite {
                now = max(now, deadline)
                deliver(.tick)
            } else {
                violations.append("nothing is due, and the run is not over")
                return false
            }
        }
        return true
    }

    /// The controller dies between two steps, and another one goes on from the store.
    private mutating func restart() {
        controllers += 1
        if traces { trace.append("the controller dies; recorded: \(recorded.mapValues(\.state))") }
        if controllers > 4 { controllerMayDie = false }
        queue = []
        machine = RunMachine(
            resuming: machine.hosts.compactMap { host in
                // As the store gives it back.
                recorded[host].flatMap { try? HostTransition(json: $0.json) }
            }, applies: applies, brakes: brakes,
            width: width)
        deliver(.begin)
    }

    private mutating func deliver(_ input: RunInput) {
        let wasOver = machine.hosts.filter { machine.state(of: $0)?.outcome != nil }
        let before = Dictionary(
            uniqueKeysWithValues: machine.hosts.map { ($0, machine.state(of: $0)) })
        let step = machine.take(input, at: now)
        if traces { trace.append("\(Int(now)) s: \(input) gives \(step.commands)") }
        for host in wasOver where machine.state(of: host) != before[host] {
            violations.append("\(host) left its final state")
        }
        for transition in step.transitions {
            let isKnown = recorded[transition.host]?.state.outcome
            if let isKnown, !isKnown.isTakenUpAgain {
                violations.append("\(transition.host) was recorded again after \(isKnown)")
            }
            recorded[transition.host] = transition
        }
        // A controller that dies here has recorded what it was about to do, and done none of it.
        if controllerMayDie, Int.random(in: 0..<40, using: &generator) == 0 { return restart() }
        for command in step.commands { carryOut(command) }
        let active = machine.hosts.count { machine.state(of: $0)?.isActive == true }
        if active > width { violations.append("\(active) hosts at once, and \(width) are allowed") }
    }

    private mutating func carryOut(_ command: RunCommand) {
        switch command {
        case .start(let host, let earlier): start(host, earlier)
        case .proceed(let host): proceed(host)
        case .turnBack(let host):
            answer(
                host,
                .ended(
                    machine.state(of: host)?.name == .connecting ? .stopped : .changed,
                    isClean: false)
            )
        case .stop(let host):
            if habits[host] != .hangsRunning, habits[host] != .vanishesRunning {
                answer(host, .ended(.stopped, isClean: false))
            }
        case .abandon(let host, let outcome, _):
            if machine.state(of: host)?.outcome != outcome {
                violations.append("\(host) is abandoned as \(outcome), and is not")
            }
            // It may answer late all the same.
            answer(host, .ended(.changed, isClean: true), within: 5_000)
        case .leaveOut, .finish: break
        }
    }

    private mutating func start(_ host: String, _ earlier: HostState.Progress) {
        checkBrakes(host)
        if case .ended? = recorded[host]?.state { violations.append("\(host) starts unrecorded") }
        switch (earlier, habits[host] ?? .good) {
        case (_, .isUnreachable): answer(host, .ended(.unreachable, isClean: false))
        case (_, .hangsConnecting): break
        case (.plan, _) where world[host]?.journalEnded == true:
            answer(host, .ended(.changed, isClean: true))
        case (.reboot(_, let boot), let habit) where habit != .staysAway:
            answer(host, .wantsReboot(boot: boot))
        case (_, .doesNotCompile): answer(host, .ended(.notCompiled, isClean: false))
        default: answer(host, .planned(Digest(of: [1]), serial: 1))
        }
    }

    private mutating func proceed(_ host: String) {
        let habit = habits[host] ?? .good
        switch machine.state(of: host) {
        case .planned:
            if world[host]?.journalEnded == true {
                violations.append("\(host) is sent what it has done already")
            }
            world[host]?.begun += 1
            if habit == .vanishesRunning { return }
            answer(host, .running)
            switch habit {
            case .hangsRunning: break
            case .fails: finish(host, .failed, isClean: false)
            case .refuses: answer(host, .ended(.refused, isClean: false), within: 3)
            case .leavesWork: finish(host, .differs, isClean: false)
            case .alreadySo: finish(host, .asDeclared, isClean: true)
            case .reboots, .staysAway: answer(host, .wantsReboot(boot: "b1"), within: 3)
            case .answersTwice:
                finish(host, .changed, isClean: true)
                finish(host, .failed, isClean: false)
            default: finish(host, .changed, isClean: true)
            }
        case .rebooting:
            world[host]?.hasRebooted = true
            if habit != .staysAway { answer(host, .back(serial: 2), within: 120) }
        case .back: finish(host, .changed, isClean: true)
        default: violations.append("\(host) may proceed, and stands nowhere")
        }
    }

    /// The host's journal has the end before anybody hears of it.
    private mutating func finish(_ host: String, _ outcome: HostOutcome, isClean: Bool) {
        if outcome != .failed { world[host]?.journalEnded = true }
        answer(host, .ended(outcome, isClean: isClean), within: 30)
    }

    private mutating func answer(_ host: String, _ event: HostEvent, within: Double = 1) {
        let at = now + Double.random(in: 0..<within, using: &generator)
        // What one host says comes in the order in which it says it.
        let last = queue.last { input in
            if case .host(host, _) = input.input { true } else { false }
        }
        queue.append((max(at, last?.at ?? 0), .host(host, event)))
    }

    /// No host begins beyond a spent budget, or past a stage that has not ended as it should.
    private mutating func checkBrakes(_ host: String) {
        let outcomes = machine.hosts.compactMap { machine.state(of: $0)?.outcome }
        let bad = outcomes.count { $0.isBad }
        if let most = brakes.maxFailed, bad > most {
            violations.append("\(host) begins though \(bad) failed and \(most) may")
        }
        let stages = brakes.stages(of: machine.hosts)
        guard let own = stages.firstIndex(where: { $0.contains(host) }) else { return }
        for earlier in stages[..<own].joined() where machine.state(of: earlier)?.outcome == nil {
            violations.append("\(host) begins before \(earlier) has ended")
        }
        if own > 0, brakes.canary > 0, brakes.canary < machine.hosts.count {
            for canary in stages[0] where machine.isGood(canary) != true {
                violations.append("\(host) begins though the canary \(canary) is not well")
            }
        }
    }
}
