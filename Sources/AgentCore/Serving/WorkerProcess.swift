import CLinux
import FleetModel
import Glibc
import HostFacts
import Journal
import Kinds
import Linux
import SystemFaults
import Wire

/// The settings of all workers of an agent.
struct WorkerSetting {
    let state: StateDirectory
    /// The CPUs that programs started by an apply may use; empty: the agent's own.
    let programAffinity: [UInt8]
    /// Problems from the start of the agent, for every run's notices.
    let notices: [String]
    /// When the agent said hello, by the monotonic clock.
    let helloSeconds = Clock.monotonicSeconds()
}

/// The process that serves one request and ends: in the sandbox, unless the request may write.
struct WorkerProcess {
    private let setting: WorkerSetting
    private let work: Job.Work
    private let board: ActivityBoard
    private let socket: Int32
    private let conversation: Conversation

    init(
        _ setting: WorkerSetting, _ work: Job.Work, _ board: ActivityBoard, socket: Int32,
        blobs: BlobIntake
    ) {
        self.setting = setting
        self.work = work
        self.board = board
        self.socket = socket
        conversation = Conversation(FrameChannel(input: socket, output: socket), blobs: blobs)
    }

    /// Serves the request in a process just forked.
    func run() -> Never {
        do {
            try detach()
            conversation.send(try answer())
        } catch {
            conversation.send(.fault(error))
        }
        _exit(0)
    }

    /// Detaches from the controller's stream, which belongs to the supervisor.
    private func detach() throws(AgentFault) {
        setsid()
        do {
            let null = try Descriptor.open("/dev/null", O_RDWR)
            dup2(null.number, STDIN_FILENO)
            dup2(null.number, STDOUT_FILENO)
        } catch {
            throw AgentFault("open /dev/null", error)
        }
    }

    private func answer() throws(AgentFault) -> Reply {
        if !work.onlyReads {
            let affinity = setting.programAffinity
            let machine = AgentMachine(board) { call throws(SystemError) in
                try ProcessRunner.run(call, affinity: affinity)
            }
            return try answer(machine) { 0 }
        }
        board.publish(step: "enter the sandbox")
        // If the kernel does not offer the idle class, the check runs in the normal class.
        _ = clinux_be_idle()
        let links = try? LinkSocket()
        let chrony = try? ChronySocket()
        let opened = [links?.number, chrony?.number].compactMap { $0 }
        let launcher = try Sandbox.enter(closing: [socket] + opened)
        let machine = AgentMachine(board, links: links, chrony: chrony) {
            call throws(SystemError) in
            try launcher.run(call)
        }
        return try answer(machine) { launcher.cpuMicroseconds() }
    }

    private func answer(
        _ machine: AgentMachine, launcherCost: () -> Int
    ) throws(AgentFault) -> Reply {
        switch work {
        case .facts(let hardware, let sections):
            board.publish(step: "read facts")
            return .facts(
                FactsReader(machine: machine).facts(hardware: hardware, sections: sections))
        case .journal(let runID):
            board.publish(step: "read the journal")
            return .journal(try JournalService(state: setting.state).answer(runID: runID))
        case .reboot(let runID, let requestedBy):
            board.publish(step: "reboot")
            try RebootService(state: setting.state, machine: machine).reboot(
                runID: runID, requestedBy: requestedBy)
            return .rebooting
        case .waitUntilBooted(let seconds):
            board.publish(step: "wait until the host has booted")
            return .booted(
                state: RebootService(state: setting.state, machine: machine).bootedState(
                    within: seconds))
        case .run(let request):
            let worker = Worker(
                conversation: conversation, state: setting.state, machine: machine,
                helloSeconds: setting.helloSeconds, activity: board.publish(step:))
            var end = try worker.serve(request)
            if let fault = conversation.streamFault { throw fault }
            end.notices = setting.notices + end.notices
            end.cpuMicroseconds = Cost.cpuMicroseconds + launcherCost()
            end.residentBytes = Cost.residentBytes
            return .runEnded(end)
        }
    }
}
