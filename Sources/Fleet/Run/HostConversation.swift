import Compiler
import Diagnostics
import FleetModel
import Linux
import Runs
import Transport
import Views
import Wire

/// One run on one host, from the connection to the view of the result.
///
/// It makes no decisions about the run: it reports events to the line, and asks for permission
/// before it sends anything that may change the host.
struct HostConversation: Sendable {
    let route: HostRoute
    let options: RunOptions
    let planner: any HostPlanner
    let client: SSHClient
    let agents: AgentLibrary
    let agentDirectory: String
    let line: HostLine
    /// What an earlier controller of this run may have begun on the host.
    let earlier: HostState.Progress
    /// The digest of the plan that was shown; nil where none was.
    let expected: Digest?
    /// Facts stored for the host.
    let stored: KnownFacts
    /// Returns the next serial for an apply, given the last one that the host accepted.
    let nextSerial: @Sendable (String, Int?) async throws(AgentFault) -> Int
    /// Keeps fresh hardware facts.
    let keepFacts: @Sendable (String, JSON) async -> Void

    /// Carries out the whole conversation; on return the result is in the line.
    func run() async -> HostWork {
        var watch = Stopwatch()
        var work = HostWork(route, planner.plan(route.host, facts: stored))
        work.compileMicroseconds = watch.lap()
        if work.planned.plan == nil, !work.planned.lacksFacts {
            work.view.outcome = .notCompiled
            work.view.fault = Self.compileFault(work.planned)
        } else {
            await talk(&work)
        }
        line.view = work.view
        return work
    }

    private func talk(_ work: inout HostWork) async {
        do throws(AgentFailure) {
            try await onConnection(&work) { connection, work async throws(AgentFailure) in
                work.view.timings["connect"] = work.watch.lap()
                try await converse(on: connection, &work)
            }
            if let left = work.bootLeft { try await resume(after: left, &work) }
        } catch {
            var failure = error
            if work.mayHaveChanged, error.leavesResultUnknown {
                failure = .resultUnknown(run: options.runID, cause: error.fault.cause)
            }
            // What was received before the conversation broke off is shown.
            let heard = line.view
            if !heard.resources.isEmpty {
                work.view.resources = heard.resources
                work.view.handlers = heard.handlers
            }
            work.view.outcome = failure.outcome
            work.view.fault = failure.fault
        }
    }

    /// Connects, runs the body and closes; the connection's notices go into the view.
    func onConnection(
        _ work: inout HostWork,
        _ talk: (any RemoteConnection, inout HostWork) async throws(AgentFailure) -> Void
    ) async throws(AgentFailure) {
        let connection = try await connect()
        // Registered first: a host that never answers must not delay the operator's stop.
        let failure = await line.during(onAbandon: { Task { await connection.close() } }) {
            () -> AgentFailure? in
            do throws(AgentFailure) {
                try await talk(connection, &work)
                return nil
            } catch {
                return error
            }
        }
        for notice in await connection.notices where !work.view.notices.contains(notice) {
            work.view.notices.append(notice)
        }
        await connection.close()
        if let failure { throw failure }
    }

    private func connect() async throws(AgentFailure) -> any RemoteConnection {
        do throws(TransportError) {
            return try await client.connect(route.target)
        } catch {
            throw .transport(error)
        }
    }

    /// Starts the agent; `extraSeconds` is the time for requests besides the run.
    func session(
        on connection: any RemoteConnection, extraSeconds: Int = 30
    ) async throws(AgentFailure) -> AgentSession {
        try await AgentSession.start(
            on: connection, agents: agents, directory: agentDirectory, become: route.become,
            user: route.target.user ?? "this user",
            deadlineSeconds: Double(options.deadlineSeconds + extraSeconds))
    }

    private func converse(
        on connection: any RemoteConnection, _ work: inout HostWork
    ) async throws(AgentFailure) {
        let session = try await session(on: connection)
        if session.sentAgent { work.view.notices.append("the agent was sent") }
        work.view.timings["agent"] = work.watch.lap()
        if work.planned.usesHardware || !work.planned.liveSections.isEmpty {
            work.planned = try await replan(session, work.planned)
            work.compileMicroseconds += work.watch.lap()
        }
        try await goOn(session, &work)
        await session.end()
    }

    /// Carries out the plan, or what is left of it.
    private func goOn(
        _ session: AgentSession, _ work: inout HostWork
    ) async throws(AgentFailure) {
        guard let plan = work.planned.plan else {
            work.view.outcome = .notCompiled
            work.view.fault = Self.compileFault(work.planned)
            return
        }
        work.view.plan = plan.digest
        // The host is first asked about what was begun, which counts even if files have changed
        // since.
        switch earlier {
        case .nothing: break
        case .plan:
            if try await isSettled(session, plan, &work) { return }
        case .reboot(_, let boot):
            return try await goOn(afterReboot: boot, session, &work)
        }
        if let expected, expected != plan.digest {
            work.view.outcome = .refused
            work.view.fault = Self.staleFault(expected, plan.digest)
            return
        }
        let serial = try await serial(session)
        guard await line.ask(.planned(plan.digest, serial: serial)) else {
            work.view.outcome = .stopped
            work.view.fault = AgentFailure.notBegun.fault
            return
        }
        try await carryOut(serial: serial, session, &work)
        if options.wantsReboot(after: work.view), !line.isStopping {
            try await reboot(session, &work)
        }
    }

    /// The serial of a request: 0 for a check.
    func serial(_ session: AgentSession) async throws(AgentFailure) -> Int {
        guard options.mode == .apply else { return 0 }
        do throws(AgentFault) {
            return try await nextSerial(route.host, session.hello.lastSerial)
        } catch {
            throw .agent(error)
        }
    }

    /// Has the agent carry out the plan, and puts the result into the view.
    func carryOut(
        serial: Int, _ session: AgentSession, _ work: inout HostWork
    ) async throws(AgentFailure) {
        guard let plan = work.planned.plan else { return }
        work.mayHaveChanged = options.mode == .apply
        let pass = PlanPass(
            plan: plan, planned: work.planned, options: options, planner: planner, line: line,
            session: session)
        line.view = work.view
        work.view.take(try await pass.run(options.mode, serial: serial))
        work.view.timings["run"] = work.watch.lap()
    }

    /// Reads fresh facts on the connection and compiles again with them.
    private func replan(
        _ session: AgentSession, _ planned: PlannedHost
    ) async throws(AgentFailure) -> PlannedHost {
        try await session.send(
            .facts(hardware: planned.usesHardware, sections: planned.liveSections))
        guard case .facts(let facts) = try await session.receive() else {
            throw .badReply("the reply to a request for facts holds no facts")
        }
        var known = stored
        if planned.usesHardware {
            let hardware = HostFactsShape.hardware(in: facts)
            known = KnownFacts(hardware: hardware, live: nil)
            if known.hardwareDigest != stored.hardwareDigest {
                await keepFacts(route.host, hardware)
            }
        }
        if !planned.liveSections.isEmpty { known.live = HostFactsShape.live(in: facts) }
        return planner.plan(route.host, facts: known)
    }

    private static func staleFault(_ expected: Digest, _ now: Digest) -> AgentFault {
        AgentFault(
            "stale-plan", "apply the plan that was shown",
            cause: "files or facts have changed since: the plan is now \(now.short), it was "
                + expected.short,
            hint: "make a new plan, look at it, and apply that")
    }

    private static func compileFault(_ planned: PlannedHost) -> AgentFault {
        let errors = planned.diagnostics.filter { $0.severity == .error }
        let first = errors.first
        let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
        let place = first?.place.map { "\($0): " } ?? ""
        return AgentFault(
            "not-compiled", "compile this host",
            cause: place + (first?.summary ?? "it gave no plan") + more, hint: first?.hint)
    }
}

/// The two halves of a facts answer.
enum HostFactsShape {
    static func hardware(in facts: JSON) -> JSON { facts["hardware"] ?? .object([:]) }
    static func live(in facts: JSON) -> JSON { facts["live"] ?? .object([:]) }
}
