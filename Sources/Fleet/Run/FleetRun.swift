import Diagnostics
import FleetModel
import Linux
import Runs
import Store
import Synchronization
import Transport
import Views
import Wire

/// One run over many hosts: `plan`, `check` or `apply`, recorded in the store as it goes.
package struct FleetRun: Sendable {
    let services: FleetServices
    package let recipe: RunRecipe
    let pattern: String

    private var options: RunOptions { recipe.options }

    package init(services: FleetServices, recipe: RunRecipe, pattern: String) {
        self.services = services
        self.recipe = recipe
        self.pattern = pattern
    }

    /// The result of a run.
    package struct Result: Sendable {
        package var view: RunView
        /// Faults and warnings of hosts that did not compile, each once.
        package var diagnostics: [Diagnostic]
        /// The plans by host, if they were to be kept.
        package var plans: [CompiledPlan]
        package var exitCode: ExitCode
    }

    /// Runs on the hosts in order.
    ///
    /// - Parameters:
    ///   - expected: the digests of the plans that were shown; a host with another plan is refused.
    ///   - keepsPlans: whether the result holds the plans as well.
    /// - Throws: if the run cannot be recorded before it begins; nothing was done then.
    package func run(
        _ hosts: [String], expected: [String: Digest]? = nil, keepsPlans: Bool = false,
        onEvent: @escaping @Sendable (RunEvent) -> Void
    ) async throws(StoreError) -> Result {
        let store = services.store
        let all = hosts.map { host in
            // A host whose plan was never shown gets a digest that no plan has.
            RunHost(waiting: host, expected: expected.map { $0[host] ?? Digest(of: []) })
        }
        let hold = try await store.hold(run: options.runID, by: options.requestedBy)
        try await store.begin(
            RunRecord(
                id: options.runID, verb: options.verb, requestedBy: options.requestedBy,
                pattern: pattern, options: recipe.json, applies: options.mode == .apply,
                started: Clock.wallSeconds()), hosts: all)
        return await carryOut(all, hold, keepsPlans: keepsPlans, onEvent)
    }

    /// Continues a run whose controller died, or that was interrupted.
    ///
    /// - Throws: `held` if another controller is still carrying it out.
    package func resume(
        onEvent: @escaping @Sendable (RunEvent) -> Void
    ) async throws(StoreError) -> Result {
        let store = services.store
        let hold = try await store.hold(run: options.runID, by: options.requestedBy)
        let hosts = try await store.hosts(run: options.runID)
        var known: [String: HostView] = [:]
        for result in try await store.results(run: options.runID) {
            known[result.host] = try? HostView(json: result.report)
        }
        return await carryOut(hosts, hold, known: known, keepsPlans: false, onEvent)
    }

    // MARK: Carrying out

    private func carryOut(
        _ hosts: [RunHost], _ hold: any RunHold, known: [String: HostView] = [:],
        keepsPlans: Bool, _ onEvent: @escaping @Sendable (RunEvent) -> Void
    ) async -> Result {
        let watch = Clock.monotonicSeconds()
        let gathered = Mutex(Gathered())
        let expected = Dictionary(
            hosts.map { ($0.host, $0.expected) }, uniquingKeysWith: { first, _ in first })
        let recorder = RunRecorder(services.store, run: options.runID, folder: services.folder)
        let options = options
        let driver = RunDriver(
            recorder: recorder, control: services.control,
            converse: { line, earlier in
                let work = await conversation(line, earlier, expected[line.host] ?? nil)
                gathered.withLock { $0.add(work, keepsPlan: keepsPlans) }
            }, onEvent: onEvent,
            fault: { outcome, reason, stopped in
                Self.fault(outcome, reason, stopped, run: options.runID)
            })
        onEvent(.began(verb: options.verb, hosts: hosts.count))
        let outcome = await driver.drive(
            RunMachine(
                resuming: hosts.map(\.transition), applies: options.mode == .apply,
                brakes: recipe.brakes, limits: limits, width: services.width))
        onEvent(.ended)
        let machine = outcome.machine
        let all = gathered.withLock { $0 }
        var view = RunView(
            id: options.runID, verb: options.verb,
            hosts: hosts.compactMap { outcome.views[$0.host] ?? known[$0.host] },
            compileMicroseconds: all.compileMicroseconds,
            runMicroseconds: Int((Clock.monotonicSeconds() - watch) * 1e6))
        if let reason = machine.stopReason {
            view.notices.append("no more hosts were started: \(reason.text)")
        }
        let code = machine.exitCode
        await recorder.end(
            RunEnding(
                time: Clock.wallSeconds(), exitCode: Int(code.rawValue), summary: view.summary))
        view.notices += recorder.notices
        withExtendedLifetime(hold) {}
        return Result(
            view: view, diagnostics: all.diagnostics,
            plans: hosts.compactMap { all.plans[$0.host] },
            exitCode: recorder.hasLost ? .combined([code, .hostFailed]) : code)
    }

    private struct Gathered {
        var plans: [String: CompiledPlan] = [:]
        var diagnostics: [Diagnostic] = []
        var seen: Set<String> = []
        var compileMicroseconds = 0

        mutating func add(_ work: HostWork, keepsPlan: Bool) {
            if keepsPlan, let plan = work.planned.plan { plans[work.view.host] = plan }
            // The same role gives the same fault on each of its hosts: it is shown once.
            for diagnostic in work.planned.diagnostics
            where seen.insert(diagnostic.json.canonicalText).inserted {
                diagnostics.append(diagnostic)
            }
            compileMicroseconds += work.compileMicroseconds
        }
    }

    private var limits: RunLimits {
        RunLimits(
            deadlineSeconds: options.deadlineSeconds, rebootSeconds: options.rebootSeconds)
    }

    private func conversation(
        _ line: HostLine, _ earlier: HostState.Progress, _ expected: Digest?
    ) async -> HostWork {
        let route: HostRoute
        switch services.route(to: line.host) {
        case .success(let found): route = found
        case .failure(let faults): return noRoute(line, faults)
        }
        let store = services.store
        let stored = (try? await store.facts(of: line.host)).flatMap { $0 }
        let talk = HostConversation(
            route: route, options: options, planner: services.planner, client: services.client,
            agents: services.agents, agentDirectory: services.agentDirectory, line: line,
            earlier: earlier, expected: expected, stored: KnownFacts(hardware: stored?.facts),
            nextSerial: { (host, accepted) async throws(AgentFault) in
                do throws(StoreError) {
                    return try await store.nextSerial(of: host, after: accepted)
                } catch {
                    throw AgentFault(
                        "store", error.attempted, cause: "\(error.path): \(error.cause)",
                        hint: error.hint)
                }
            },
            keepFacts: { host, facts in
                let digest = Digest(of: facts.canonicalBytes)
                // Facts that could not be kept are read again the next time.
                _ = try? await store.save(
                    FactsRecord(
                        host: host, digest: digest, facts: facts, taken: Clock.wallSeconds()))
            })
        return await talk.run()
    }

    private func noRoute(_ line: HostLine, _ faults: Faults) -> HostWork {
        let first = faults.all.first
        let fault = AgentFault(
            "no-route", "find the way to this host",
            cause: (first?.place.map { "\($0): " } ?? "") + (first?.summary ?? "no way"),
            hint: first?.hint)
        var work = HostWork(
            HostRoute(host: line.host, target: SSHTarget(name: line.host, address: "")),
            PlannedHost(plan: nil, diagnostics: faults.all))
        work.view.outcome = .notCompiled
        work.view.fault = fault
        line.view = work.view
        return work
    }

    /// Why a host was abandoned or left out.
    private static func fault(
        _ outcome: HostOutcome, _ reason: AbandonReason?, _ stopped: String, run: String
    ) -> AgentFault {
        switch (outcome, reason) {
        case (.notStarted, _):
            AgentFault("not-started", "start this host", cause: stopped)
        case (.unknown, .interrupted):
            AgentFailure.resultUnknown(
                run: run, cause: "muster was interrupted while the host was being changed"
            ).fault
        case (.unknown, .deadline(let state, let seconds)):
            AgentFailure.resultUnknown(
                run: run, cause: "it was \(state.rawValue) for longer than \(Int(seconds)) s"
            ).fault
        case (.unknown, nil):
            AgentFailure.resultUnknown(run: run, cause: "the host was not asked: \(stopped)").fault
        case (_, .deadline(let state, let seconds)):
            AgentFailure.tooLong(
                what: state == .connecting ? "reach the host" : "finish the run", seconds: seconds
            ).fault
        case (_, .interrupted), (_, nil): AgentFailure.interrupted.fault
        }
    }
}
