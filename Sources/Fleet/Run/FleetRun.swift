import Diagnostics
import FleetModel
import Linux
import Store
import Synchronization
import Transport
import Views
import Wire

/// One run over many hosts: `plan`, `check` or `apply`, recorded in the store as it goes.
package struct FleetRun: Sendable {
    let services: FleetServices
    let options: RunOptions
    let brakes: Brakes
    let pattern: String

    package init(
        services: FleetServices, options: RunOptions, brakes: Brakes = Brakes(), pattern: String
    ) {
        self.services = services
        self.options = options
        self.brakes = brakes
        self.pattern = pattern
    }

    /// What came of a run.
    package struct Result: Sendable {
        package var view: RunView
        /// Faults and warnings of hosts that did not compile, each once.
        package var diagnostics: [Diagnostic]
        /// The plans by host, where they were to be kept.
        package var plans: [Plan]
        package var exitCode: ExitCode
    }

    /// Runs on the hosts in order; `keepsPlans` returns their plans as well.
    package func run(
        _ hosts: [String], keepsPlans: Bool, onEvent: @escaping @Sendable (RunEvent) -> Void
    ) async throws(StoreError) -> Result {
        let store = services.store
        let began = Clock.wallSeconds()
        let watch = Clock.monotonicSeconds()
        try store.setSurvivesPowerCut(options.mode == .apply)
        try store.begin(
            RunRecord(
                id: options.runID, verb: options.verb, requestedBy: options.requestedBy,
                pattern: pattern, started: began))
        onEvent(.began(verb: options.verb, hosts: hosts.count))
        let gathered = Mutex(Gathered())
        let fanOut = FanOut(width: services.width, brakes: brakes, control: services.control)
        let ending = await fanOut.run(hosts) { host in
            onEvent(.hostStarted(host))
            let result = await conversation(with: host)
            let failure = record(result.view, store)
            gathered.withLock { $0.add(result, keepsPlan: keepsPlans, storeFailure: failure) }
            onEvent(.hostEnded(host, result.view.outcome))
            return ![.failed, .unreachable, .notCompiled, .refused].contains(result.view.outcome)
        }
        var all = gathered.withLock { $0 }
        for host in ending.notStarted {
            all.views[host] = HostView(
                host: host, outcome: .notStarted,
                fault: ending.reason.map {
                    AgentFault("not-started", "start this host", cause: $0)
                })
        }
        onEvent(.ended)
        if let failure = all.storeFailure { throw failure }
        let view = RunView(
            id: options.runID, verb: options.verb, hosts: hosts.compactMap { all.views[$0] },
            compileMicroseconds: all.compileMicroseconds,
            runMicroseconds: Int((Clock.monotonicSeconds() - watch) * 1e6),
            notices: ending.reason.map { ["no more hosts were started: \($0)"] } ?? [])
        let exitCode = exitCode(of: view)
        try store.end(
            run: options.runID, at: Clock.wallSeconds(), exitCode: Int(exitCode.rawValue),
            summary: view.summary)
        return Result(
            view: view, diagnostics: all.diagnostics, plans: hosts.compactMap { all.plans[$0] },
            exitCode: exitCode)
    }

    private struct Gathered {
        var views: [String: HostView] = [:]
        var plans: [String: Plan] = [:]
        var diagnostics: [Diagnostic] = []
        var compileMicroseconds = 0
        var storeFailure: StoreError?

        mutating func add(
            _ result: HostConversation.Result, keepsPlan: Bool, storeFailure failure: StoreError?
        ) {
            views[result.view.host] = result.view
            if keepsPlan, let plan = result.planned?.plan { plans[result.view.host] = plan }
            for diagnostic in result.planned?.diagnostics ?? []
            where !diagnostics.contains(diagnostic) {
                diagnostics.append(diagnostic)
            }
            compileMicroseconds += result.compileMicroseconds
            storeFailure = storeFailure ?? failure
        }
    }

    private func conversation(with host: String) async -> HostConversation.Result {
        let route: HostRoute
        switch services.route(to: host) {
        case .success(let found): route = found
        case .failure(let faults):
            let planned = PlannedHost(plan: nil, diagnostics: faults.all)
            let first = faults.all.first
            let fault = AgentFault(
                "no-route", "find the way to this host",
                cause: (first?.place.map { "\($0): " } ?? "") + (first?.summary ?? "no way"),
                hint: first?.hint)
            let view = HostView(host: host, outcome: .notCompiled, fault: fault)
            return HostConversation.Result(view: view, planned: planned, compileMicroseconds: 0)
        }
        let store = services.store
        let stored = (try? store.facts(of: host)).flatMap { $0 }
        let talk = HostConversation(
            route: route, options: options, planner: services.planner, client: services.client,
            agents: services.agents, agentDirectory: services.agentDirectory,
            control: services.control, stored: KnownFacts(hardware: stored?.facts),
            nextSerial: { (host, accepted) throws(AgentFault) in
                do throws(StoreError) {
                    return try store.nextSerial(of: host, after: accepted)
                } catch {
                    throw AgentFault(
                        "store", error.attempted, cause: "\(error.path): \(error.cause)",
                        hint: error.hint)
                }
            },
            keepFacts: { host, facts in
                let digest = Digest(of: facts.canonicalBytes)
                _ = try? store.save(
                    FactsRecord(
                        host: host, digest: digest, facts: facts, taken: Clock.wallSeconds()))
            })
        return await talk.run()
    }

    private func record(_ view: HostView, _ store: Store) -> StoreError? {
        do throws(StoreError) {
            try store.record(
                HostRecord(
                    host: view.host, outcome: view.outcome.rawValue, plan: view.plan,
                    report: view.json), run: options.runID)
            return nil
        } catch {
            return error
        }
    }

    /// The exit code of a run: several may hold, the table's order decides.
    private func exitCode(of view: RunView) -> ExitCode {
        var codes: [ExitCode] = [.done]
        for outcome in view.counts.keys {
            switch outcome {
            case .asDeclared, .changed: break
            case .differs: codes.append(options.mode == .check ? .differences : .done)
            case .failed, .notCompiled: codes.append(.hostFailed)
            case .unreachable: codes.append(.unreachable)
            case .refused: codes.append(.refused)
            case .stopped: codes.append(.interrupted)
            case .notStarted: codes.append(services.control.isStopping ? .interrupted : .refused)
            }
        }
        return .combined(codes)
    }
}
