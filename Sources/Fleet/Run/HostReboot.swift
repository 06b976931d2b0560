import FleetModel
import Linux
import Runs
import Transport
import Views
import Wire

extension RunOptions {
    /// Whether a host is to be rebooted now: a change waits for it, the operator allows it, and
    /// nothing failed that should be looked at first.
    func wantsReboot(after view: HostView) -> Bool {
        mode == .apply && maxDisruption >= .reboot
            && view.resources.contains(where: \.waitsForReboot)
            && [.changed, .differs].contains(view.outcome)
            && !view.handlers.contains { $0.outcome == .pending }
    }
}

extension HostConversation {
    /// Tells the host to reboot, once the reboot is recorded.
    func reboot(
        _ session: AgentSession, _ work: inout HostWork
    ) async throws(AgentFailure) {
        // If the run is being stopped, the host is not rebooted and the reboot stays pending.
        guard await line.ask(.wantsReboot(boot: session.hello.bootID)) else { return }
        try await session.send(.reboot(runID: options.runID, requestedBy: options.requestedBy))
        guard case .rebooting = try await session.receive() else {
            throw .badReply("the reply to the request to reboot is of another type")
        }
        work.bootLeft = session.hello.bootID
    }

    /// Waits for the host to come back from its reboot, carries out the plan once more and combines
    /// the results of both passes.
    func resume(after bootLeft: String, _ work: inout HostWork) async throws(AgentFailure) {
        let start = Clock.monotonicSeconds()
        // How the last attempt ended, for the fault.
        var last = "the host never went down"
        while work.bootLeft != nil {
            if line.isAbandoned { throw .interrupted }
            guard Clock.monotonicSeconds() - start < Double(options.rebootSeconds) else {
                throw .noReturn(seconds: options.rebootSeconds, last: last)
            }
            try? await Task.sleep(for: .seconds(2))
            do throws(AgentFailure) {
                try await onConnection(&work) { connection, work async throws(AgentFailure) in
                    let session = try await session(on: connection, extraSeconds: 330)
                    guard session.hello.bootID != bootLeft else {
                        last = "the host answers, but has not rebooted yet"
                        return await session.end()
                    }
                    try await finish(session, &work)
                    await session.end()
                }
            } catch {
                // Once the host is back, a failure is final; before that, the host may be going
                // down or coming up.
                if work.bootLeft == nil { throw error }
                last = error.fault.cause
            }
        }
    }

    /// The second pass, on the new boot.
    func finish(
        _ session: AgentSession, _ work: inout HostWork
    ) async throws(AgentFailure) {
        work.bootLeft = nil
        try await session.send(.waitUntilBooted(seconds: 300))
        guard case .booted(let state) = try await session.receive() else {
            throw .badReply("the reply to the request to wait for the boot is of another type")
        }
        let microseconds = work.watch.lap()
        work.view.timings["reboot"] = microseconds
        let seconds = (microseconds + 500_000) / 1_000_000
        work.view.notices.append("rebooted, and back after \(seconds) s; systemd says \(state)")
        let first = work.view
        let serial = try await serial(session)
        guard await line.ask(.back(serial: serial)) else { throw .interrupted }
        try await carryOut(serial: serial, session, &work)
        work.view.timings["run_after_reboot"] = work.view.timings["run"]
        work.view.timings["run"] = first.timings["run"]
        work.view.follow(first)
    }
}

extension HostView {
    /// Takes the result of a pass over the plan.
    mutating func take(_ outcome: PlanPass.Outcome) {
        resources = outcome.resources
        handlers = outcome.handlers
        end = outcome.end
        self.outcome = HostView.outcome(
            of: resources, handlers: handlers, stopped: outcome.end.stopped != nil)
    }

    /// Combines a pass after a reboot with the pass before it: what the first pass changed counts
    /// as changed, and what waited for the reboot and still differs has failed.
    mutating func follow(_ first: HostView) {
        let before = Dictionary(
            first.resources.map { ($0.address, $0) }, uniquingKeysWith: { one, _ in one })
        for index in resources.indices {
            guard let earlier = before[resources[index].address] else { continue }
            if resources[index].waitsForReboot, earlier.waitsForReboot {
                let names = resources[index].changes.map(\.attribute).joined(separator: ", ")
                resources[index].outcome = .failed
                resources[index].reason = "the host was rebooted, and \(names) is not as declared"
                resources[index].fault = AgentFault(
                    "verify-failed", "verify \(resources[index].address) after the reboot",
                    cause: resources[index].reason,
                    hint: "check what the host was booted with: /proc/cmdline and its boot log")
                continue
            }
            guard resources[index].outcome == .asDeclared,
                [.changed, .pending].contains(earlier.outcome)
            else { continue }
            resources[index].outcome = .changed
            resources[index].changes = earlier.changes
            resources[index].reason =
                "\(earlier.reason); after the reboot: \(resources[index].reason)"
        }
        let ran = first.handlers.filter { handler in
            handler.outcome == .ran && !handlers.contains { $0.address == handler.address }
        }
        handlers = ran + handlers
        if let earlier = first.end, var last = end {
            last.cpuMicroseconds += earlier.cpuMicroseconds
            last.wallMicroseconds += earlier.wallMicroseconds
            last.residentBytes = max(last.residentBytes, earlier.residentBytes)
            end = last
        }
        outcome = HostView.outcome(
            of: resources, handlers: handlers, stopped: end?.stopped != nil)
    }
}
