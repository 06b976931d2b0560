import Compiler
import FleetModel
import Runs
import Transport
import Views
import Wire

/// One pass over a plan by a host's agent: sends the plan and a request, receives reports.
struct PlanPass: Sendable {
    let plan: CompiledPlan
    let planned: PlannedHost
    let options: RunOptions
    let planner: any HostPlanner
    let line: HostLine
    let session: AgentSession

    struct Outcome {
        var resources: [ResourceView] = []
        var handlers: [HandlerReport] = []
        var end: RunEnd
    }

    /// Sends the plan and follows the run to its end; the session stays open.
    func run(
        _ mode: RunRequest.Mode, serial: Int
    ) async throws(AgentFailure) -> Outcome {
        // The plan is sent before the request, so that the agent need not ask for it.
        try await session.send(blob: plan.bytes, digest: plan.digest)
        try await session.send(
            .run(
                RunRequest(
                    mode: mode, plan: plan.digest, runID: options.runID, serial: serial,
                    expiresAfterSeconds: session.expiry(afterSeconds: options.validSeconds),
                    deadlineSeconds: options.deadlineSeconds, wantsContent: options.wantsContent,
                    maxDisruption: options.maxDisruption, requestedBy: options.requestedBy)))
        let stop: @Sendable () -> Void = { [session] in
            Task { _ = try? await session.send(.stop) }
        }
        let answer = await line.during(onStop: mode == .apply ? stop : nil) {
            () -> Swift.Result<Outcome, AgentFailure> in
            do throws(AgentFailure) {
                return .success(try await follow(mode))
            } catch {
                return .failure(error)
            }
        }
        return try answer.get()
    }

    /// Sends the blobs that the agent asks for and collects its reports until the run has ended.
    private func follow(_ mode: RunRequest.Mode) async throws(AgentFailure) -> Outcome {
        let declared = Dictionary(
            plan.plan.resources.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
        line.beginPass()
        var isFirst = true
        while true {
            let reply = try await session.receive()
            if isFirst {
                isFirst = false
                line.tell(.running)
            }
            switch reply {
            case .need(let digests):
                for digest in digests { try await serve(digest) }
            case .resource(let report):
                guard let resource = declared[report.address] else {
                    throw .badReply("a report on \(report.address), which is not in the plan")
                }
                var view = ResourceView(
                    resource, report, origin: plan.origins[report.address] ?? "")
                if options.wantsContent { addContent(to: &view) }
                line.add(view)
            case .handler(let report): line.add(report)
            case .runEnded(let end):
                let heard = line.view
                let wanted = mode == .check ? wanted(heard.resources, heard.handlers) : []
                return Outcome(
                    resources: heard.resources, handlers: heard.handlers + wanted, end: end)
            case .hello, .facts, .journal, .rebooting, .booted, .fault:
                throw .badReply("a reply that does not belong to a run")
            }
        }
    }

    /// The handlers that the changes found would notify, in the order of the plan.
    private func wanted(
        _ resources: [ResourceView], _ reported: [HandlerReport]
    ) -> [HandlerReport] {
        let changing = Set(resources.filter { $0.outcome == .wouldChange }.map(\.address))
        let notified = Set(
            plan.plan.resources.filter { changing.contains($0.address) }.flatMap(\.notify))
        let known = Set(reported.map(\.address))
        return plan.plan.handlers.filter {
            notified.contains($0.address) && !known.contains($0.address)
        }.map {
            HandlerReport(
                address: $0.address, outcome: .wouldRun, reason: "\($0.action.rawValue) \($0.name)")
        }
    }

    private func serve(_ digest: Digest) async throws(AgentFailure) {
        if digest == plan.digest {
            try await session.send(blob: plan.bytes, digest: digest)
            return
        }
        guard let blob = planned.blobs[digest], let bytes = try? planner.bytes(of: blob) else {
            try await session.send(.noBlob(digest))
            return
        }
        try await session.send(blob: bytes, digest: digest)
    }

    /// Adds the declared text to the text found, for a diff; never a secret, never a large text.
    private func addContent(to view: inout ResourceView) {
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
}
