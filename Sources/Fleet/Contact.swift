import Diagnostics
import FleetModel
import Linux
import Store
import Synchronization
import Transport
import Views
import Wire

/// The result of contacting one host without a plan: `ping` and `facts`.
package struct ContactView: Sendable, Equatable {
    package var host: String
    package var outcome: HostOutcome
    /// The steps and their durations in microseconds, in the order they were taken.
    package var steps: [(name: String, microseconds: Int)] = []
    package var way: String?
    package var hello: Hello?
    package var facts: JSON?
    package var fault: AgentFault?
    package var notices: [String] = []

    package static func == (left: ContactView, right: ContactView) -> Bool {
        left.json == right.json
    }

    /// The form for programs.
    package var json: JSON {
        .compact([
            "host": .string(host), "outcome": .string(outcome.rawValue),
            "steps": .array(
                steps.map {
                    ["name": .string($0.name), "microseconds": .integer($0.microseconds)]
                }),
            "transport": .optional(way), "hello": hello?.json, "facts": facts,
            "fault": fault?.json, "notices": notices.isEmpty ? nil : .strings(notices),
        ])
    }
}

/// Connects to hosts, starts the agent, and reads facts if asked to.
package struct Contact: Sendable {
    let services: FleetServices
    let deadlineSeconds: Int
    /// What to read; nil reads nothing.
    let facts: FactsWanted?

    /// Which facts to read.
    package struct FactsWanted: Sendable {
        package var hardware: Bool
        package var sections: [String]

        package init(hardware: Bool = true, sections: [String] = []) {
            self.hardware = hardware
            self.sections = sections
        }
    }

    package init(services: FleetServices, deadlineSeconds: Int, facts: FactsWanted? = nil) {
        self.services = services
        self.deadlineSeconds = deadlineSeconds
        self.facts = facts
    }

    /// Contacts the hosts; the results are in the order of the hosts.
    package func run(
        _ hosts: [String], verb: String, onEvent: @escaping @Sendable (RunEvent) -> Void
    ) async -> [ContactView] {
        onEvent(.began(verb: verb, hosts: hosts.count))
        let views = Mutex<[String: ContactView]>([:])
        let fanOut = FanOut(width: services.width, control: services.control)
        let notStarted = await fanOut.run(hosts) { host in
            onEvent(.hostStarted(host))
            let view = await contact(host)
            views.withLock { $0[host] = view }
            onEvent(.hostEnded(host, view.outcome))
        }
        onEvent(.ended)
        var all = views.withLock { $0 }
        for host in notStarted { all[host] = ContactView(host: host, outcome: .notStarted) }
        return hosts.compactMap { all[$0] }
    }

    private func contact(_ host: String) async -> ContactView {
        var view = ContactView(host: host, outcome: .asDeclared)
        let route: HostRoute
        switch services.route(to: host) {
        case .success(let found): route = found
        case .failure(let faults):
            let first = faults.all.first
            view.outcome = .notCompiled
            view.fault = AgentFault(
                "no-route", "find the way to this host",
                cause: (first?.place.map { "\($0): " } ?? "") + (first?.summary ?? "no way"),
                hint: first?.hint)
            return view
        }
        view.notices = route.notices
        do throws(AgentFailure) {
            let connection: any RemoteConnection
            do throws(TransportError) {
                connection = try await services.client.connect(route.target)
            } catch {
                throw .transport(error)
            }
            view.way = connection.way.rawValue
            let answer = await services.control.during(
                onStop: {}, onCancel: { Task { await connection.close() } }
            ) { () -> Result<ContactView, AgentFailure> in
                do throws(AgentFailure) {
                    return .success(try await talk(on: connection, route, view))
                } catch {
                    return .failure(error)
                }
            }
            let notices = await connection.notices
            await connection.close()
            view.notices += notices
            var answered = try answer.get()
            answered.notices += notices
            return answered
        } catch {
            view.outcome = error.outcome
            view.fault = error.fault
            return view
        }
    }

    private func talk(
        on connection: any RemoteConnection, _ route: HostRoute, _ view: ContactView
    ) async throws(AgentFailure) -> ContactView {
        var view = view
        var watch = Stopwatch()
        let session = try await AgentSession.start(
            on: connection, agents: services.agents, directory: services.agentDirectory,
            become: route.become, user: route.target.user ?? "this user",
            deadlineSeconds: Double(deadlineSeconds))
        for step in await connection.steps {
            view.steps.append((step.name, Int(step.seconds * 1e6)))
        }
        view.steps.append(("agent", watch.lap()))
        if session.sentAgent { view.notices.append("the agent was sent") }
        view.hello = session.hello
        if let facts {
            try await session.send(.facts(hardware: facts.hardware, sections: facts.sections))
            guard case .facts(let found) = try await session.receive() else {
                throw .badReply("the reply to a request for facts holds no facts")
            }
            view.facts = found
            view.steps.append(("facts", watch.lap()))
            if facts.hardware { try await keep(found, of: route.host) }
        }
        await session.end()
        return view
    }

    private func keep(_ facts: JSON, of host: String) async throws(AgentFailure) {
        let hardware = HostFactsShape.hardware(in: facts)
        let digest = Digest(of: hardware.canonicalBytes)
        do throws(StoreError) {
            try await services.store.save(
                FactsRecord(host: host, digest: digest, facts: hardware, taken: Clock.wallSeconds())
            )
        } catch {
            throw .agent(
                AgentFault(
                    "store", error.attempted, cause: "\(error.path): \(error.cause)",
                    hint: error.hint))
        }
    }

    /// The exit code for contacts: a failed host decides before an unreachable one, and that before
    /// success.
    package static func exitCode(of views: [ContactView]) -> ExitCode {
        .combined(
            views.map { view in
                switch view.outcome {
                case .failed, .notCompiled, .unknown: .hostFailed
                case .unreachable: .unreachable
                case .refused: .refused
                case .notStarted, .stopped: .interrupted
                case .asDeclared, .differs, .changed: .done
                }
            })
    }
}
