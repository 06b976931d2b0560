import CLinux
import FleetModel
import Glibc
import Linux
import Wire

/// One request being served by a worker process, as the supervisor sees it.
struct Job {
    enum Work {
        case facts(hardware: Bool, sections: [String])
        case run(RunRequest)
        case journal(runID: String)
        case reboot(runID: String, requestedBy: String)
        case waitUntilBooted(seconds: Int)

        var isApply: Bool {
            if case .run(let request) = self { request.mode == .apply } else { false }
        }
        /// Whether it runs in the sandbox, which cannot write.
        var onlyReads: Bool {
            switch self {
            case .facts, .journal, .waitUntilBooted: true
            case .run(let request): request.mode == .check
            case .reboot: false
            }
        }
        /// For messages: `check`, `apply`, `read facts`.
        var verb: String {
            switch self {
            case .facts: "read facts"
            case .run(let request): request.mode.rawValue
            case .journal: "read the journal"
            case .reboot: "reboot"
            case .waitUntilBooted: "wait until the host has booted"
            }
        }
        /// The deadline in seconds.
        var seconds: Int {
            switch self {
            case .facts, .journal, .reboot: 60
            case .waitUntilBooted(let seconds): min(max(seconds, 1), 3_600) + 30
            case .run(let request): min(max(request.deadlineSeconds, 1), 86_400)
            }
        }
    }

    let work: Work
    let pid: pid_t
    /// The supervisor's end of the socket to the worker.
    let socket: Int32
    let board: ActivityBoard
    var reader = FrameReader(expectsPreamble: false)
    var toWorker: OutputQueue
    private let start = Clock.monotonicSeconds()
    private var isTold = false
    /// Blobs that the worker asked for and that have not arrived in full.
    var wanted: Set<Digest> = []
    /// The fault to answer instead of the run's end, if the controller's stream was faulty.
    var faultInstead: AgentFault?
    /// The number of resources by outcome, and of failed handlers.
    var counts: [ResourceReport.Outcome: Int] = [:]
    var failedHandlers = 0

    init(_ work: Work, pid: pid_t, socket: Int32, board: ActivityBoard) {
        self.work = work
        self.pid = pid
        self.socket = socket
        self.board = board
        toWorker = OutputQueue(socket)
    }

    /// How long before its deadline an apply is told to stop, so that it ends at a safe boundary.
    private var grace: Double { work.isApply ? min(15, Double(work.seconds) / 4) : 0 }

    /// Seconds until the stop request of an apply or the deadline, whichever is next.
    var secondsLeft: Double {
        let left = start + Double(work.seconds) - Clock.monotonicSeconds()
        return work.isApply && !isTold ? left - grace : left
    }

    /// Whether the deadline has passed, so that the worker is to be killed.
    var isOverdue: Bool { secondsLeft <= 0 && (!work.isApply || isTold) }

    /// Asks an apply, only once, to stop at the next safe boundary.
    mutating func tellToStop() {
        if isTold { return }
        isTold = true
        toWorker.append(Frame.message(Request.stop.json).encoded)
    }

    /// Tells an apply that the controller is gone, which also stops it at the next safe boundary.
    mutating func hangUp() {
        isTold = true
        toWorker.breakOff()
        shutdown(socket, Int32(SHUT_WR))
    }

    /// Kills the worker and the programs it runs, and returns whether it died.
    func kill() -> KillOutcome {
        let programs = work.isApply ? ProcessTable.children(of: pid) : []
        Glibc.kill(pid, SIGKILL)
        // Each program leads a session of its own.
        for program in programs { Glibc.kill(-program, SIGKILL) }
        let watch = Stopwatch()
        repeat {
            if reap() != nil { return .dead }
            usleep(2000)
        } while watch.seconds < 0.5
        return .stuck(state: ProcessTable.state(of: pid))
    }

    enum KillOutcome: Equatable {
        case dead
        /// The worker did not die; the letter of its state in /proc/PID/stat.
        case stuck(state: String)
    }

    /// Reaps the worker if it has ended: its exit status, or minus the signal's number; nil while
    /// it is running.
    func reap() -> Int32? {
        var status: Int32 = 0
        var number: Int32 = 0
        let answer = clinux_wait(pid, 1, &status, &number)
        if answer == 0 { return nil }
        return number != 0 ? -number : status
    }

    /// Waits a short time for the exit of a worker that has sent its last reply.
    func reap(within seconds: Double) -> Int32? {
        let watch = Stopwatch()
        while true {
            if let status = reap() { return status }
            if watch.seconds > seconds { return nil }
            usleep(500)
        }
    }
}

/// What /proc says of other processes.
enum ProcessTable {
    /// The processes whose parent is `pid`.
    static func children(of pid: pid_t) -> [pid_t] {
        let machine = LocalMachine()
        return ((try? machine.list("/proc")) ?? []).compactMap { pid_t($0) }.filter {
            fields($0).dropFirst().first == String(pid)
        }
    }

    /// The letter of a process's state: `D` while it is stuck in the kernel; `?` where it is gone.
    static func state(of pid: pid_t) -> String { fields(pid).first ?? "?" }

    /// The fields of /proc/PID/stat after the name, which may contain any character (proc(5)).
    private static func fields(_ pid: pid_t) -> [String] {
        let text = (try? LocalMachine().textIfPresent("/proc/\(pid)/stat")) ?? nil
        guard let text, let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ").map(String.init)
    }
}
