import FleetModel
import Testing
import Views
import Wire

@testable import Fleet

/// What decides on a reboot, and how the two passes around it become one.
@Suite struct RebootTests {
    private let reboot = Change(
        "isolcpus", layer: .running, before: nil, after: "2-3", disruption: .reboot)
    private let kept = Change("isolcpus", before: nil, after: "2-3")

    private func resource(
        _ name: String, _ outcome: ResourceReport.Outcome, _ changes: [Change] = []
    ) -> ResourceView {
        let planned = PlannedResource(
            address: "r/kernel_cmdline:\(name)", kind: .kernelCmdline, name: name)
        return ResourceView(
            planned,
            ResourceReport(
                address: planned.address, outcome: outcome, reason: outcome.rawValue,
                changes: changes))
    }

    private func view(_ resources: [ResourceView], handlers: [HandlerReport] = []) -> HostView {
        HostView(
            host: "a",
            outcome: HostView.outcome(of: resources, handlers: handlers, stopped: false),
            resources: resources, handlers: handlers)
    }

    private func options(_ most: Disruption, _ mode: RunRequest.Mode = .apply) -> RunOptions {
        RunOptions(verb: "apply", mode: mode, runID: "1", requestedBy: "x", maxDisruption: most)
    }

    @Test func rebootsOnlyWhereItIsAllowedAndWantedAndNothingFailed() {
        let waiting = view([resource("a", .pending, [kept, reboot])])
        #expect(options(.reboot).wantsReboot(after: waiting))
        #expect(options(.powerCycle).wantsReboot(after: waiting))
        #expect(!options(.serviceRestart).wantsReboot(after: waiting))
        // A warm reboot does nothing for what waits until the power was off.
        let cold = Change("fw", layer: .running, before: "1", after: "2", disruption: .powerCycle)
        #expect(!options(.powerCycle).wantsReboot(after: view([resource("a", .pending, [cold])])))
        #expect(!options(.reboot, .check).wantsReboot(after: waiting))
        #expect(!options(.reboot).wantsReboot(after: view([resource("a", .changed, [kept])])))
        #expect(
            !options(.reboot).wantsReboot(
                after: view([resource("a", .pending, [reboot]), resource("b", .failed)])))
        let pending = HandlerReport(address: "r/h", outcome: .pending, reason: "not allowed")
        #expect(
            !options(.reboot).wantsReboot(
                after: view([resource("a", .pending, [reboot])], handlers: [pending])))
    }

    @Test func whatWaitedIsChangedOnceItHolds() {
        let ran = HandlerReport(address: "r/h", outcome: .ran, reason: "restart x")
        let first = view(
            [
                resource("a", .pending, [kept, reboot]), resource("b", .changed, [kept]),
                resource("c", .asDeclared),
            ], handlers: [ran])
        var second = view(["a", "b", "c"].map { resource($0, .asDeclared) })
        second.follow(first)
        #expect(second.resources.map(\.outcome) == [.changed, .changed, .asDeclared])
        #expect(second.resources[0].changes == [kept, reboot])
        #expect(second.handlers == [ran])
        #expect(second.outcome == .changed)
    }

    /// A reboot that did not help is a failure, and is not tried again.
    @Test func whatStillWaitsHasFailed() {
        let first = view([resource("a", .pending, [kept, reboot])])
        var second = view([resource("a", .pending, [reboot])])
        second.follow(first)
        #expect(second.outcome == .failed)
        #expect(
            second.resources[0].fault?.cause
                == "the host was rebooted, and isolcpus is not as declared")
        #expect(!options(.reboot).wantsReboot(after: second))
    }

    @Test func aHostThatStaysAwayIsSaidToBe() {
        let fault = AgentFailure.noReturn(seconds: 900, last: "no route to host").fault
        #expect(
            fault.text == "cannot reach the host after its reboot: it did not come back within "
                + "900 s: no route to host")
        #expect(AgentFailure.noReturn(seconds: 900, last: "").outcome == .failed)
    }
}
