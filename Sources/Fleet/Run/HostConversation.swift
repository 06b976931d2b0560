import Compiler
import Diagnostics
import FleetModel
import Glibc
import Linux
import Transport
import Views
import Wire

/// One run on one host, from the connection to the view of what came of it.
struct HostConversation: Sendable {
    let route: HostRoute
    let options: RunOptions
    let planner: any HostPlanner
    let client: SSHClient
    let agents: AgentLibrary
    let agentDirectory: String
    let control: RunControl
    /// Facts stored for the host.
    let stored: KnownFacts
    /// Gives the next serial for an apply, from the last one that the host accepted.
    let nextSerial: @Sendable (String, Int?) throws(AgentFault) -> Int
    /// Keeps fresh hardware facts.
    let keepFacts: @Sendable (String, JSON) -> Void

    /// What came of it; `planned` is nil where the host did not compile.
    struct Result: Sendable {
        var view: HostView
        var planned: PlannedHost?
        var compileMicroseconds: Int
    }

    func run() async -> Result {
        var watch = Stopwatch()
        var planned = planner.plan(route.host, facts: stored)
        var compile = watch.lap()
        if planned.plan == nil, !planned.lacksFacts {
            return Result(
                view: HostView(
                    host: route.host, outcome: .notCompiled,
                    fault: Self.compileFault(planned), notices: route.notices),
                planned: planned, compileMicroseconds: compile)
        }
        var view = HostView(host: route.host, outcome: .asDeclared, notices: route.notices)
        do throws(AgentFailure) {
            try await onConnection(&view) { connection, view async throws(AgentFailure) in
                view.timings["connect"] = watch.lap()
                try await converse(on: connection, &planned, &view, &watch, &compile)
            }
            if let left = view.bootLeft {
                try await resume(after: left, planned, &view, &watch)
            }
        } catch {
            let failure = control.isCancelled ? AgentFailure.interrupted : error
            view.outcome = failure.outcome
            view.fault = failure.fault
        }
        return Result(view: view, planned: planned, compileMicroseconds: compile)
    }

    /// Connects, talks and closes; the connection's notices go into the view.
    func onConnection(
        _ view: inout HostView,
        _ talk: (any RemoteConnection, inout HostView) async throws(AgentFailure) -> Void
    ) async throws(AgentFailure) {
        let connection = try await connect()
        // From the first moment: a host that never answers must not outlast the operator.
        let failure = await control.during(
            onStop: {}, onCancel: { Task { await connection.close() } }
        ) { () -> AgentFailure? in
            do throws(AgentFailure) {
                try await talk(connection, &view)
                return nil
            } catch {
                return error
            }
        }
        for notice in await connection.notices where !view.notices.contains(notice) {
            view.notices.append(notice)
        }
        await connection.close()
        if let failure { throw failure }
    }

    func connect() async throws(AgentFailure) -> any RemoteConnection {
        do throws(TransportError) {
            return try await client.connect(route.target)
        } catch {
            throw .transport(error)
        }
    }

    private func converse(
        on connection: any RemoteConnection, _ planned: inout PlannedHost, _ view: inout HostView,
        _ watch: inout Stopwatch, _ compile: inout Int
    ) async throws(AgentFailure) {
        let session = try await AgentSession.start(
            on: connection, agents: agents, directory: agentDirectory, become: route.become,
            user: route.target.user ?? "this user",
            deadlineSeconds: Double(options.deadlineSeconds) + 30)
        if session.sentAgent { view.notices.append("the agent was sent") }
        view.timings["agent"] = watch.lap()
        if planned.usesHardware || !planned.liveSections.isEmpty {
            planned = try await replan(session, planned)
            compile += watch.lap()
        }
        guard let plan = planned.plan else {
            await session.end()
            view.outcome = .notCompiled
            view.fault = Self.compileFault(planned)
            return
        }
        view.plan = plan.digest
        if let expected = options.expected, expected[route.host] != plan.digest {
            await session.end()
            view.outcome = .refused
            view.fault = AgentFault(
                "stale-plan", "apply the plan that was shown",
                cause: "files or facts have changed since: the plan is now \(plan.digest.short), "
                    + "it was \(expected[route.host]?.short ?? "none")",
                hint: "make a new plan, look at it, and apply that")
            return
        }
        let outcome = try await carryOut(plan, planned, session)
        view.timings["run"] = watch.lap()
        view.take(outcome)
        if options.wantsReboot(after: view), !control.isStopping {
            try await reboot(session)
            view.bootLeft = session.hello.bootID
        }
        await session.end()
    }

    /// Reads fresh facts on the connection and compiles once more with them.
    private func replan(
        _ session: AgentSession, _ planned: PlannedHost
    ) async throws(AgentFailure) -> PlannedHost {
        try await session.send(
            .facts(hardware: planned.usesHardware, sections: planned.liveSections))
        guard case .facts(let facts) = try await session.receive() else {
            throw .badReply("no facts where facts were asked for")
        }
        var known = stored
        if planned.usesHardware {
            let hardware = HostFactsShape.hardware(in: facts)
            known = KnownFacts(hardware: hardware, live: nil)
            if known.hardwareDigest != stored.hardwareDigest { keepFacts(route.host, hardware) }
        }
        if !planned.liveSections.isEmpty { known.live = HostFactsShape.live(in: facts) }
        return planner.plan(route.host, facts: known)
    }

    struct Outcome {
        var resources: [ResourceView] = []
        var handlers: [HandlerReport] = []
        var end: RunEnd
    }

    /// Sends the plan and follows the run to its end; the session stays open.
    func carryOut(
        _ plan: Plan, _ planned: PlannedHost, _ session: AgentSession
    ) async throws(AgentFailure) -> Outcome {
        let bytes = plan.json.canonicalBytes
        let digest = Digest(of: bytes)
        var serial = 0
        if options.mode == .apply {
            do throws(AgentFault) {
                serial = try nextSerial(route.host, session.hello.lastSerial)
            } catch {
                throw .agent(error)
            }
        }
        // The plan goes ahead of the request, so that the agent need not ask for it.
        try await session.send(blob: bytes, digest: digest)
        try await session.send(
            .run(
                RunRequest(
                    mode: options.mode, plan: digest, runID: options.runID, serial: serial,
                    expiresAfterSeconds: session.expiry(afterSeconds: options.validSeconds),
                    deadlineSeconds: options.deadlineSeconds, wantsContent: options.wantsContent,
                    maxDisruption: options.maxDisruption, requestedBy: options.requestedBy)))
        let isApply = options.mode == .apply
        let answer = await control.during(
            onStop: { if isApply { Task { _ = try? await session.send(.stop) } } },
            onCancel: {}
        ) { () -> Swift.Result<Outcome, AgentFailure> in
            do throws(AgentFailure) {
                return .success(try await self.follow(plan, planned, session))
            } catch {
                return .failure(error)
            }
        }
        return try answer.get()
    }

    /// Answers the agent's wants and gathers its reports until the run has ended.
    private func follow(
        _ plan: Plan, _ planned: PlannedHost, _ session: AgentSession
    ) async throws(AgentFailure) -> Outcome {
        let declared = Dictionary(
            plan.resources.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
        var resources: [ResourceView] = []
        var handlers: [HandlerReport] = []
        while true {
            switch try await session.receive() {
            case .need(let digests):
                for digest in digests { try await serve(digest, plan, planned, session) }
            case .resource(let report):
                guard let resource = declared[report.address] else {
                    throw .badReply("a report on \(report.address), which is not in the plan")
                }
                var view = ResourceView(resource, report)
                if options.wantsContent { addContent(to: &view, planned) }
                resources.append(view)
            case .handler(let report): handlers.append(report)
            case .runEnded(let end):
                if options.mode == .check { handlers += Self.wanted(plan, resources, handlers) }
                return Outcome(resources: resources, handlers: handlers, end: end)
            case .hello, .facts, .rebooting, .booted, .fault:
                throw .badReply("a reply that does not belong to a run")
            }
        }
    }

    /// The handlers that the changes found would make run, in the order of the plan.
    private static func wanted(
        _ plan: Plan, _ resources: [ResourceView], _ reported: [HandlerReport]
    ) -> [HandlerReport] {
        let changing = Set(resources.filter { $0.outcome == .wouldChange }.map(\.address))
        let notified = Set(
            plan.resources.filter { changing.contains($0.address) }.flatMap(\.notify))
        let known = Set(reported.map(\.address))
        return plan.handlers.filter { notified.contains($0.address) && !known.contains($0.address) }
            .map {
                HandlerReport(
                    address: $0.address, outcome: .wouldRun,
                    reason: "\($0.action.rawValue) \($0.name)")
            }
    }

    private func serve(
        _ digest: Digest, _ plan: Plan, _ planned: PlannedHost, _ session: AgentSession
    ) async throws(AgentFailure) {
        if digest == plan.digest {
            try await session.send(blob: plan.json.canonicalBytes, digest: digest)
            return
        }
        guard let blob = planned.blobs[digest], let bytes = try? planner.bytes(of: blob) else {
            try await session.send(.noBlob(digest))
            return
        }
        try await session.send(blob: bytes, digest: digest)
    }

    /// Puts the declared text beside the one found, for a diff; never a secret's, never a large one.
    private func addContent(to view: inout ResourceView, _ planned: PlannedHost) {
        for index in view.changes.indices where view.changes[index].attribute == "content" {
            guard let text = view.changes[index].after?["sha256"]?.string,
                let digest = Digest(text), let blob = planned.blobs[digest], !blob.isSecret,
                blob.size <= 64 << 10,
                let bytes = try? planner.bytes(of: blob),
                let content = String(validating: bytes, as: UTF8.self)
            else {
                view.changes[index].beforeText = nil
                continue
            }
            view.changes[index].afterText = content
        }
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

/// Splits time into laps of microseconds.
struct Stopwatch {
    private var last = Clock.monotonicSeconds()

    /// Microseconds since the last lap or the start.
    mutating func lap() -> Int {
        let now = Clock.monotonicSeconds()
        defer { last = now }
        return Int((now - last) * 1e6)
    }
}

/// The two halves of a facts answer.
enum HostFactsShape {
    static func hardware(in facts: JSON) -> JSON { facts["hardware"] ?? .object([:]) }
    static func live(in facts: JSON) -> JSON { facts["live"] ?? .object([:]) }
}
