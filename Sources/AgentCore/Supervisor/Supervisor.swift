import CLinux
import FleetModel
import Glibc
import Journal
import Linux
import Wire

/// Owns the controller's stream and the deadline; a worker it forks for each request does the work.
///
/// A read that hangs in the kernel therefore cannot block the run. There is one thread with one
/// loop over poll(2).
final class Supervisor {
    private let setting: WorkerSetting
    private let log: RunLog
    private var reader = FrameReader(expectsPreamble: false)
    private var output = OutputQueue(STDOUT_FILENO)
    private var isInputOver = false
    /// Blobs that arrived before the request that needs them.
    private var early = BlobIntake()
    private var job: Job?
    private let cost = Cost()
    /// The code to exit with once all output is sent and no job is running.
    private var exitCode: Int32?
    private var idleSince = Clock.monotonicSeconds()

    /// Seconds without a request after which the agent exits: it is not a daemon.
    static let idleSeconds = 600.0
    /// While more output than this is queued, nothing is read from the worker.
    private static let outputLimit = 256 << 10
    /// While more input than this is queued for the worker, nothing is read from the controller.
    private static let inputLimit = 1 << 20

    init(_ setting: WorkerSetting, log: RunLog = RunLog()) {
        self.setting = setting
        self.log = log
    }

    /// Serves requests until the controller ends the session or is gone; returns the exit code.
    func serve() -> Int32 {
        output.append(Frame.preamble)
        say(.hello(Identity.hello(of: setting.state)))
        while true {
            output.flush()
            if output.isBroken { controllerIsGone() }
            if let exitCode, job == nil, output.isEmpty { return exitCode }
            job?.toWorker.flush()
            wait()
            cost.sample()
        }
    }

    private func say(_ reply: Reply) { output.append(Frame.message(reply.json).encoded) }

    // MARK: Waiting

    private func wait() {
        let takesInput =
            !isInputOver && exitCode == nil
            && (job?.toWorker.count ?? 0) < Supervisor.inputLimit
        var polled = [
            pollfd(fd: takesInput ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: output.isBroken ? -1 : STDOUT_FILENO,
                events: output.isEmpty ? 0 : Int16(POLLOUT), revents: 0),
            pollfd(fd: job?.socket ?? -1, events: workerEvents, revents: 0),
        ]
        _ = poll(&polled, nfds_t(polled.count), milliseconds())
        // An error on the output means that nobody reads it any more.
        if polled[1].revents & Int16(POLLERR) != 0 { output.breakOff() }
        if polled[2].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { readWorker() }
        if polled[0].revents != 0 { readController() }
        watchTheClock()
    }

    private var workerEvents: Int16 {
        guard let job else { return 0 }
        var events: Int32 = 0
        if output.count < Supervisor.outputLimit { events |= POLLIN }
        if !job.toWorker.isEmpty { events |= Int32(POLLOUT) }
        return Int16(events)
    }

    private func milliseconds() -> Int32 {
        let left =
            job?.secondsLeft
            ?? (idleSince + Supervisor.idleSeconds - Clock.monotonicSeconds())
        return Int32(min(max(left, 0), 60) * 1000) + 1
    }

    private func watchTheClock() {
        guard let current = job else {
            if exitCode == nil, Clock.monotonicSeconds() - idleSince > Supervisor.idleSeconds {
                let fault = AgentFault(
                    "idle", "wait for a request", cause: "none came for 10 minutes",
                    hint: "run again")
                leave(with: fault, code: 75)
            }
            if output.isBroken && exitCode == nil { exitCode = 0 }
            return
        }
        if current.isOverdue {
            expire(current)
        } else if current.secondsLeft <= 0 {
            job?.tellToStop()
        }
    }

    private func expire(_ job: Job) {
        let doing = job.board.text
        let outcome = job.kill()
        var cause = "it took longer than \(job.work.seconds) seconds"
        var hint = "raise the deadline, or find out what is slow on the host"
        if case .stuck(let state) = outcome {
            cause += ", and process \(job.pid) hangs in the kernel (state \(state))"
            hint = "a device or a network file system does not answer: see dmesg on the host"
        }
        if !doing.isEmpty { cause += "; last it tried to \(doing)" }
        let fault = AgentFault("deadline", job.work.verb, cause: cause, hint: hint)
        _ = note(job, fault: fault)
        drop(job)
        leave(with: fault, code: 75)
    }

    /// Reports the fault, and exits once it is sent.
    private func leave(with fault: AgentFault, code: Int32) {
        say(.fault(fault))
        exitCode = code
    }

    // MARK: The controller

    private func readController() {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let n = read(STDIN_FILENO, &chunk, chunk.count)
        if n < 0 && (errno == EINTR || errno == EAGAIN) { return }
        if n <= 0 {
            isInputOver = true
            if !reader.isBetweenFrames { refuse(StreamFault.truncated) }
            return controllerIsGone()
        }
        reader.append(chunk[0..<n])
        while exitCode == nil {
            do throws(AgentFault) {
                guard let frame = try nextFrame() else { return }
                try take(frame)
            } catch {
                refuse(error)
            }
        }
    }

    private func nextFrame() throws(AgentFault) -> Frame? {
        do {
            return try reader.next()
        } catch {
            throw StreamFault.make(error)
        }
    }

    private func take(_ frame: Frame) throws(AgentFault) {
        switch frame {
        case .blob(let piece):
            guard let current = job else { return try early.take(piece) }
            guard current.wanted.contains(piece.digest) else {
                throw StreamFault.outOfOrder("a blob")
            }
            if piece.isLast { job?.wanted.remove(piece.digest) }
            job?.toWorker.append(frame.encoded)
        case .message(let json): try take(try Request(reading: json), frame)
        }
    }

    private func take(_ request: Request, _ frame: Frame) throws(AgentFault) {
        switch (request, job) {
        case (.facts(let hardware, let sections), nil):
            start(.facts(hardware: hardware, sections: sections))
        case (.run(let run), nil): start(.run(run))
        case (.journal(let runID), nil): start(.journal(runID: runID))
        case (.reboot(let runID, let requestedBy), nil):
            start(.reboot(runID: runID, requestedBy: requestedBy))
        case (.waitUntilBooted(let seconds), nil): start(.waitUntilBooted(seconds: seconds))
        case (.end, nil): exitCode = 0
        // A stop request may cross the end of its run; then there is nothing to stop.
        case (.stop, nil): break
        case (.noBlob, nil): throw StreamFault.outOfOrder("an answer about a blob")
        case (.stop, .some): job?.tellToStop()
        case (.noBlob(let digest), .some(let current)):
            guard current.wanted.contains(digest) else {
                throw StreamFault.outOfOrder("an answer about a blob")
            }
            job?.wanted.remove(digest)
            job?.toWorker.append(frame.encoded)
        case (.facts, .some), (.run, .some), (.journal, .some), (.end, .some), (.reboot, .some),
            (.waitUntilBooted, .some):
            throw StreamFault.outOfOrder("a request while another is served")
        }
    }

    /// Reports a fault of the controller's stream and exits; an apply first stops at a safe
    /// boundary.
    private func refuse(_ fault: AgentFault) {
        exitCode = 65
        guard let current = job else {
            say(.fault(fault))
            return
        }
        if current.work.isApply {
            job?.faultInstead = fault
            job?.tellToStop()
        } else {
            _ = current.kill()
            drop(current)
            say(.fault(fault))
        }
    }

    /// Ends a check at once, and an apply at its next safe boundary.
    private func controllerIsGone() {
        isInputOver = true
        exitCode = exitCode ?? 0
        guard let current = job else { return }
        if current.work.isApply {
            job?.hangUp()
        } else {
            _ = current.kill()
            drop(current)
        }
    }

    // MARK: The worker

    private func start(_ work: Job.Work) {
        let board = ActivityBoard()
        var ends: [Int32] = [-1, -1]
        guard clinux_socket_pair(&ends) == 0 else {
            return say(
                .fault(AgentFault("system", work.verb, cause: "no descriptors are left")))
        }
        let pid = clinux_fork()
        if pid == 0 {
            close(ends[0])
            WorkerProcess(setting, work, board, socket: ends[1], blobs: early).run()
        }
        close(ends[1])
        if pid < 0 {
            close(ends[0])
            return say(
                .fault(
                    AgentFault(
                        "system", "start a worker", cause: SystemError.text(of: -pid),
                        hint: "the host is out of processes or memory")))
        }
        early = BlobIntake()
        job = Job(work, pid: pid, socket: ends[0], board: board)
    }

    private func readWorker() {
        guard let current = job else { return }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let n = read(current.socket, &chunk, chunk.count)
        if n < 0 && (errno == EINTR || errno == EAGAIN) { return }
        if n <= 0 { return workerIsGone(current) }
        job?.reader.append(chunk[0..<n])
        do throws(AgentFault) {
            while let (reply, frame) = try nextReply() { relay(reply, frame) }
        } catch {
            workerIsDamaged(error)
        }
    }

    /// The next whole reply of the worker; nil until more bytes arrive, or if the worker is gone.
    private func nextReply() throws(AgentFault) -> (reply: Reply, frame: Frame)? {
        do throws(FrameError) {
            guard let frame = try job?.reader.next() else { return nil }
            guard case .message(let json) = frame else {
                throw FrameError.badMessage(JSONError("it is a blob"))
            }
            do throws(JSONError) {
                return (try Reply(json: json), frame)
            } catch {
                throw FrameError.badMessage(error)
            }
        } catch {
            throw StreamFault.make(error)
        }
    }

    /// Kills a worker whose reply cannot be read, as nothing after it can be read either, and
    /// reports that.
    private func workerIsDamaged(_ error: AgentFault) {
        guard let current = job else { return }
        let doing = current.board.text
        _ = current.kill()
        let fault = AgentFault(
            "worker-damaged", current.work.verb,
            cause: "the worker's reply cannot be read: \(error.cause)"
                + (doing.isEmpty ? "" : "; last it tried to \(doing)"),
            hint: "its changes are in its journal; unless the host's memory is faulty, please "
                + "report this")
        _ = note(current, fault: fault)
        drop(current)
        say(.fault(current.faultInstead ?? fault))
    }

    private func relay(_ reply: Reply, _ frame: Frame) {
        switch reply {
        case .resource(let report):
            job?.counts[report.outcome, default: 0] += 1
            output.append(frame.encoded)
        case .handler(let report):
            if report.outcome == .failed { job?.failedHandlers += 1 }
            output.append(frame.encoded)
        case .need(let digests):
            job?.wanted.formUnion(digests)
            output.append(frame.encoded)
        case .hello: break
        case .facts, .journal, .runEnded, .rebooting, .booted, .fault: finish(reply)
        }
    }

    /// Sends the last reply of a request, with what the run cost, and lets the worker go.
    private func finish(_ reply: Reply) {
        guard let current = job else { return }
        var last = reply
        if case .runEnded(var end) = reply {
            end.cpuMicroseconds += Cost.cpuMicroseconds
            end.residentBytes = max(end.residentBytes, Cost.residentBytes)
            end.cpus = cost.cpuList(with: end.cpus)
            if let notice = note(current, end: end) { end.notices.append(notice) }
            last = .runEnded(end)
        } else if case .fault(let fault) = reply {
            _ = note(current, fault: fault)
        } else if case .rebooting = reply {
            _ = note(current)
        }
        if let fault = current.faultInstead { last = .fault(fault) }
        // An apply holds the lock until its process is gone, and the next request may need the
        // lock.
        if current.work.isApply { _ = current.reap(within: 2) }
        drop(current)
        say(last)
    }

    private func workerIsGone(_ current: Job) {
        let status = current.reap(within: 1)
        let doing = current.board.text
        var cause = "the worker "
        switch status {
        case .some(let number) where number < 0: cause += "was killed by signal \(-number)"
        case .some(let number): cause += "exited with status \(number) before it was done"
        case nil: cause += "closed its connection"
        }
        if !doing.isEmpty { cause += "; last it tried to \(doing)" }
        let fault = AgentFault(
            "worker-died", current.work.verb, cause: cause,
            hint: "see dmesg on the host; unless it ran out of memory, please report this")
        _ = note(current, fault: fault)
        drop(current)
        say(.fault(current.faultInstead ?? fault))
    }

    private func drop(_ current: Job) {
        close(current.socket)
        _ = current.reap()
        job = nil
        idleSince = Clock.monotonicSeconds()
    }

    /// Writes the run's line to the host's log; returns a notice if no log accepts it.
    private func note(_ job: Job, end: RunEnd? = nil, fault: AgentFault? = nil) -> String? {
        switch job.work {
        case .run(let request):
            return log.write(
                RunLine(
                    request: request, counts: job.counts, failedHandlers: job.failedHandlers,
                    stopped: end?.stopped, fault: fault))
        case .reboot(let runID, let requestedBy):
            return log.write(RebootLine(runID: runID, requestedBy: requestedBy, fault: fault))
        case .facts, .journal, .waitUntilBooted: return nil
        }
    }
}
