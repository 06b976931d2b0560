import Diagnostics
import FleetModel
import Runs
import Testing
import Views
import Wire

/// What single inputs do to a run.
@Suite struct RunMachineTests {
    private static let plan = Digest(of: [7])

    /// A machine whose first host stands in a state, by the shortest way there.
    private func machine(
        _ name: HostState.Name, applies: Bool = true, hosts: [String] = ["a", "b"], width: Int = 1
    ) -> RunMachine {
        var machine = RunMachine(hosts: hosts, applies: applies, width: width)
        _ = machine.take(.begin, at: 0)
        let way: [HostEvent] =
            switch name {
            case .waiting, .connecting, .ended: []
            case .planned: [.planned(Self.plan, serial: 1)]
            case .running: [.planned(Self.plan, serial: 1), .running]
            case .rebooting:
                [.planned(Self.plan, serial: 1), .running, .wantsReboot(boot: "b1")]
            case .back:
                [
                    .planned(Self.plan, serial: 1), .running, .wantsReboot(boot: "b1"),
                    .back(serial: 2),
                ]
            }
        for event in way { _ = machine.take(.host("a", event), at: 0) }
        #expect(machine.state(of: "a")?.name == name)
        return machine
    }

    private static let active: [HostState.Name] = [
        .connecting, .planned, .running, .rebooting, .back,
    ]

    @Test(arguments: active) func everyStateEndsByItsDeadline(_ name: HostState.Name) throws {
        var machine = machine(name)
        let deadline = try #require(machine.nextDeadline)
        #expect(deadline == machine.limits.seconds(in: name))
        #expect(machine.take(.tick, at: deadline - 1).commands.isEmpty)
        let step = machine.take(.tick, at: deadline)
        let outcome: HostOutcome = name == .connecting ? .unreachable : .unknown
        #expect(machine.state(of: "a")?.outcome == outcome)
        #expect(
            step.commands.contains(.abandon("a", outcome, .deadline(name, seconds: deadline))))
        // A host that hangs holds up no other.
        #expect(machine.state(of: "b")?.name == .connecting)
        // What it says later changes nothing.
        #expect(
            machine.take(.host("a", .ended(.changed, isClean: true)), at: deadline) == RunStep())
    }

    @Test(arguments: active) func aSecondInterruptSaysWhatIsNotKnown(_ name: HostState.Name) {
        var machine = machine(name)
        let first = machine.take(.interrupt, at: 1)
        #expect(first.commands == [.stop("a")])
        #expect(!machine.isOver)
        let second = machine.take(.interrupt, at: 2)
        let outcome: HostOutcome = name == .connecting ? .stopped : .unknown
        #expect(
            second.commands == [.abandon("a", outcome, .interrupted), .leaveOut("b"), .finish])
        #expect(machine.isOver && machine.exitCode == .interrupted)
        #expect(machine.notStarted == ["b"])
    }

    @Test func aCheckIsLetGoOfWithoutDoubt() {
        var machine = machine(.running, applies: false)
        #expect(machine.take(.interrupt, at: 1).commands.isEmpty)
        _ = machine.take(.interrupt, at: 2)
        #expect(machine.state(of: "a")?.outcome == .stopped)
    }

    @Test func nothingIsBegunOnceItIsToEnd() {
        var machine = machine(.connecting)
        _ = machine.take(.interrupt, at: 1)
        let step = machine.take(.host("a", .planned(Self.plan, serial: 1)), at: 1)
        #expect(step.commands == [.turnBack("a")] && step.transitions.isEmpty)
        var rebooting = self.machine(.running)
        _ = rebooting.take(.interrupt, at: 1)
        #expect(
            rebooting.take(.host("a", .wantsReboot(boot: "b1")), at: 1).commands == [.turnBack("a")]
        )
    }

    @Test func nothingMoreIsBegunThatCannotBeRecorded() {
        var machine = machine(.connecting, width: 1)
        _ = machine.take(.cannotRecord("disk full"), at: 1)
        let step = machine.take(.host("a", .planned(Self.plan, serial: 1)), at: 1)
        #expect(step.commands == [.turnBack("a")])
        _ = machine.take(.host("a", .ended(.stopped, isClean: false)), at: 1)
        #expect(machine.isOver && machine.notStarted == ["b"])
        #expect(machine.stopReason?.text == "what is done could not be recorded: disk full")
    }

    /// What an operator sees as not done does not pass for done.
    @Test(arguments: [
        (HostOutcome.changed, true, ExitCode.done), (.asDeclared, true, .done),
        (.changed, false, .differences), (.asDeclared, false, .differences),
        (.differs, false, .differences), (.failed, false, .hostFailed),
        (.unknown, false, .hostFailed), (.notCompiled, false, .hostFailed),
        (.unreachable, false, .unreachable), (.refused, false, .refused),
        (.stopped, false, .interrupted),
    ])
    func anApplyThatLeavesSomethingIsNotDone(
        _ outcome: HostOutcome, _ isClean: Bool, _ code: ExitCode
    ) {
        var machine = RunMachine(
            hosts: ["a", "b"], applies: true, brakes: Brakes(canary: 1), width: 4)
        _ = machine.take(.begin, at: 0)
        _ = machine.take(.host("a", .planned(Self.plan, serial: 1)), at: 0)
        _ = machine.take(.host("a", .ended(outcome, isClean: isClean)), at: 0)
        let passes = code == .done
        #expect((machine.state(of: "b")?.name == .connecting) == passes, "the canary")
        if passes { _ = machine.take(.host("b", .ended(.asDeclared, isClean: true)), at: 0) }
        #expect(machine.exitCode == (passes ? .done : .combined([code, .refused])))
    }

    @Test func aRunGoesOnFromWhatWasRecorded() {
        let recorded: [HostTransition] = [
            .init(host: "done", state: .ended(.changed, from: .nothing), isGood: true),
            .init(host: "failed", state: .ended(.failed, from: .nothing), isGood: false),
            .init(host: "was running", state: .running(plan: Self.plan, serial: 4)),
            .init(host: "unknown", state: .ended(.unknown, from: .plan(Self.plan, serial: 5))),
            .init(host: "rebooting", state: .rebooting(plan: Self.plan, boot: "b1")),
            .init(host: "left out", state: .ended(.notStarted, from: .nothing), isGood: false),
            .init(host: "connecting", state: .connecting(after: .nothing)),
        ]
        var machine = RunMachine(resuming: recorded, applies: true, width: 10)
        #expect(
            machine.take(.begin, at: 0).commands == [
                .start("was running", after: .plan(Self.plan, serial: 4)),
                .start("unknown", after: .plan(Self.plan, serial: 5)),
                .start("rebooting", after: .reboot(Self.plan, boot: "b1")),
                .start("left out", after: .nothing), .start("connecting", after: .nothing),
            ])
    }

    /// A canary that failed stays failed: going on with the run does not go past it.
    @Test func aCanaryHoldsAlsoWhereTheRunGoesOn() {
        let recorded: [HostTransition] = [
            .init(host: "a", state: .ended(.failed, from: .nothing), isGood: false),
            .init(host: "b", state: .ended(.notStarted, from: .nothing), isGood: false),
        ]
        var machine = RunMachine(
            resuming: recorded, applies: true, brakes: Brakes(canary: 1), width: 1)
        #expect(machine.take(.begin, at: 0).commands == [.leaveOut("b"), .finish])
        #expect(machine.exitCode == .hostFailed)
    }
}
