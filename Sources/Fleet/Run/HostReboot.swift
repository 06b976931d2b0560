import FleetModel
import Linux
import Transport
import Views
import Wire

extension RunOptions {
    /// Whether a host is to be rebooted now: a change waits for it, the operator allows it, and
    /// nothing went wrong that one should see first.
    func wantsReboot(after view: HostView) -> Bool {
        mode == .apply && maxDisruption >= .reboot
            && view.resources.contains(where: \.waitsForReboot)
            && [.changed, .differs].contains(view.outcome)
            && !view.handlers.contains { $0.outcome == .pending }
    }
}

extension HostConversation {
    /// Tells the host to reboot.
    func reboot(_ session: AgentSession) async throws(AgentFailure) {
        try await session.send(
            .reboot(runID: options.runID, requestedBy: options.requestedBy))
        guard case .rebooting = try await session.receive() else {
            throw .badReply("something else where the host was told to reboot")
        }
    }

    /// Waits for the host to come back from its reboot, carries the plan out once more and takes
    /// both passes together.
    func resume(
        after bootLeft: String, _ planned: PlannedHost, _ view: inout HostView,
        _ watch: inout Stopwatch
    ) async throws(AgentFailure) {
        guard let plan = planned.plan else { return }
        let start = Clock.monotonicSeconds()
        var isResumed = false
        // How the last try ended, for the fault.
        var last = "it never went down"
        while !isResumed {
            if control.isCancelled { throw .interrupted }
            guard Clock.monotonicSeconds() - start < Double(options.rebootSeconds) else {
                throw .noReturn(seconds: options.rebootSeconds, last: last)
            }
            try? await Task.sleep(for: .seconds(2))
            do throws(AgentFailure) {
                try await onConnection(&view) { connection, view async throws(AgentFailure) in
                    let session = try await AgentSession.start(
                        on: connection, agents: agents, directory: agentDirectory,
                        become: route.become, user: route.target.user ?? "this user",
                        deadlineSeconds: Double(options.deadlineSeconds) + 330)
                    guard session.hello.bootID != bootLeft else {
                        last = "it answers, and still runs the boot it was to leave"
                        return await session.end()
                    }
                    isResumed = true
                    try await finish(plan, planned, session, &view, &watch)
                }
            } catch {
                if isResumed { throw error }
                last = error.fault.cause
            }
        }
    }

    private func finish(
        _ plan: Plan, _ planned: PlannedHost, _ session: AgentSession, _ view: inout HostView,
        _ watch: inout Stopwatch
    ) async throws(AgentFailure) {
        view.bootLeft = nil
        try await session.send(.waitUntilBooted(seconds: 300))
        guard case .booted(let state) = try await session.receive() else {
            throw .badReply("something else where the end of the boot was asked for")
        }
        let microseconds = watch.lap()
        view.timings["reboot"] = microseconds
        let seconds = (microseconds + 500_000) / 1_000_000
        view.notices.append("rebooted, and back after \(seconds) s; systemd says \(state)")
        let first = view
        view.take(try await carryOut(plan, planned, session))
        view.timings["run_after_reboot"] = watch.lap()
        view.follow(first)
        await session.end()
    }
}

extension HostView {
    /// Takes what came of a pass over the plan.
    mutating func take(_ outcome: HostConversation.Outcome) {
        resources = outcome.resources
        handlers = outcome.handlers
        end = outcome.end
        self.outcome = HostView.outcome(
            of: resources, handlers: handlers, stopped: outcome.end.stopped != nil)
    }

    /// Joins a pass after a reboot with the one before it: what the first changed was changed, and
    /// what waited for the reboot and still does has failed.
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
                    hint: "see what the host was booted with: /proc/cmdline, and its boot log")
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
