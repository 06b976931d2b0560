import FleetModel
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

/// Where the programs built for the tests lie: beside the test program itself.
enum BuiltProgram {
    static func path(_ name: String) throws -> String {
        let folder = PathName.parent(of: try LocalMachine().linkTarget("/proc/self/exe"))
        for candidate in [folder, Repository.root + "/.build/debug"] {
            let path = candidate + "/" + name
            if access(path, X_OK) == 0 { return path }
        }
        throw SystemError(call: "find", object: name, code: ENOENT)
    }
}

/// The controller's side of a conversation with a real agent process.
final class AgentClient {
    /// What is wrong with the conversation itself.
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    private let pid: pid_t
    private var input: Int32
    private let output: Int32
    private var reader = FrameReader(expectsPreamble: true)
    private var status: Int32?
    let state: String
    /// Seconds a reply may take before the test fails.
    var patience = 30.0

    /// Starts an agent, the one just built if no other; `prefix` are words before it on its command line.
    init(
        state: String, program: String? = nil, prefix: [String] = [],
        identity: ChildIdentity? = nil
    ) throws {
        self.state = state
        // An agent that is gone shows as an error of write, not as the end of all tests.
        signal(SIGPIPE, SIG_IGN)
        let program = try program ?? BuiltProgram.path("muster-agent")
        let words = prefix + [program, "serve", "--state-dir", state]
        let toAgent = try AgentClient.pipe()
        let fromAgent = try AgentClient.pipe()
        var call = ProgramCall(words[0], Array(words.dropFirst()))
        call.identity = identity
        pid = try ProcessRunner.spawn(
            call, stdio: [toAgent.read, fromAgent.write, STDERR_FILENO])
        input = toAgent.write
        output = fromAgent.read
        close(toAgent.read)
        close(fromAgent.write)
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: (read: Int32, write: Int32) = (-1, -1)
        try Descriptor.pipe().split { (read, write) in ends = (read.release(), write.release()) }
        return ends
    }

    deinit {
        hangUp()
        close(output)
        if status == nil {
            kill(-pid, SIGKILL)
            _ = waitForExit(seconds: 5)
        }
    }

    // MARK: Talking

    func send(_ bytes: [UInt8]) {
        // The agent may leave before it has read everything.
        var sent = 0
        while sent < bytes.count {
            let n = bytes[sent...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            if n <= 0 { return }
            sent += n
        }
    }

    func send(_ request: Request) { send(Frame.message(request.json).encoded) }

    func send(blob content: [UInt8]) {
        for piece in BlobPiece.pieces(of: content, digest: Digest(of: content)) {
            send(Frame.blob(piece).encoded)
        }
    }

    /// Closes the agent's input, as a controller that is gone does.
    func hangUp() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// The next reply; nil at the end of the agent's output.
    func receive() throws -> Reply? {
        let end = Clock.monotonicSeconds() + patience
        while true {
            if let frame = try reader.next() {
                guard case .message(let json) = frame else { throw Broken(description: "a blob") }
                return try Reply(json: json)
            }
            var polled = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let left = end - Clock.monotonicSeconds()
            guard left > 0, poll(&polled, 1, Int32(left * 1000)) > 0 else {
                throw Broken(description: "no reply within \(patience) s")
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let n = read(output, &chunk, chunk.count)
            if n <= 0 { return nil }
            reader.append(chunk[0..<n])
        }
    }

    func receiveHello() throws -> Hello {
        guard case .hello(let hello) = try receive() else { throw Broken(description: "no hello") }
        return hello
    }

    /// The exit status; the agent must leave within the time.
    func waitForExit(seconds: Double = 20) -> Int32? {
        if let status { return status }
        let end = Clock.monotonicSeconds() + seconds
        while Clock.monotonicSeconds() < end {
            var raw: Int32 = 0
            if waitpid(pid, &raw, WNOHANG) == pid {
                status = raw & 0x7f == 0 ? raw >> 8 & 0xff : -(raw & 0x7f)
                return status
            }
            usleep(1000)
        }
        return nil
    }

    // MARK: Looking inside

    /// The process that serves the request; nil where none is served.
    func worker() throws -> pid_t? { ProcessTable.children(of: pid).first }

    /// The number of the socket by which a worker speaks to the supervisor.
    func socket(of worker: pid_t) throws -> Int32? {
        let folder = "/proc/\(worker)/fd"
        return try LocalMachine().list(folder).first { name in
            try LocalMachine().linkTarget("\(folder)/\(name)").hasPrefix("socket:")
        }.flatMap { Int32($0) }
    }

    // MARK: Whole runs

    /// Everything an agent said of one run.
    struct Run {
        var resources: [ResourceReport] = []
        var handlers: [HandlerReport] = []
        var end: RunEnd?
        var fault: AgentFault?

        subscript(_ address: String) -> ResourceReport? {
            resources.first { $0.address == address }
        }

        /// `changed as_declared`, in plan order.
        var outcomes: String { resources.map(\.outcome.rawValue).joined(separator: " ") }
    }

    /// Asks for a run and answers the agent's needs until it ends; stops early at `until`.
    func run(
        _ plan: Plan, _ mode: RunRequest.Mode, serial: Int = 0, blobs: [[UInt8]] = [],
        until: ((Reply) -> Bool)? = nil, adjust: (inout RunRequest) -> Void = { _ in }
    ) throws -> Run {
        let bytes = plan.json.canonicalBytes
        var known = [CompiledPlan(plan).digest: bytes]
        for blob in blobs { known[Digest(of: blob)] = blob }
        var request = RunRequest(
            mode: mode, plan: CompiledPlan(plan).digest, runID: "run-\(serial)", serial: serial,
            expiresAfterSeconds: 600, deadlineSeconds: 60,
            requestedBy: "tester@here")
        adjust(&request)
        send(.run(request))
        var run = Run()
        while let reply = try receive() {
            switch reply {
            case .need(let digests):
                for digest in digests {
                    if let content = known[digest] {
                        send(blob: content)
                    } else {
                        send(.noBlob(digest))
                    }
                }
            case .resource(let report): run.resources.append(report)
            case .handler(let report): run.handlers.append(report)
            case .runEnded(let end):
                run.end = end
                return run
            case .fault(let fault):
                run.fault = fault
                return run
            case .hello, .facts, .journal, .rebooting, .booted:
                throw Broken(description: "unexpected \(reply)")
            }
            if until?(reply) == true { return run }
        }
        return run
    }

    /// Ends the session in order.
    func end() -> Int32? {
        send(.end)
        return waitForExit()
    }
}

/// A session of its own: hello, one run, end.
func runAgent(
    _ state: String, _ plan: Plan, _ mode: RunRequest.Mode, serial: Int = 0, blobs: [[UInt8]] = [],
    prefix: [String] = [], _ adjust: (inout RunRequest) -> Void = { _ in }
) throws -> AgentClient.Run {
    let client = try AgentClient(state: state, prefix: prefix)
    _ = try client.receiveHello()
    let run = try client.run(plan, mode, serial: serial, blobs: blobs, adjust: adjust)
    #expect(client.end() == 0)
    return run
}

/// A declared file with that content.
func file(
    _ path: String, _ content: String, mode: String = "0644", requires: [String] = [],
    notify: [String] = []
) -> PlannedResource {
    let bytes = Array(content.utf8)
    return PlannedResource(
        address: "r/file:\(path)", kind: .file, name: path,
        attributes: [
            "state": "present", "content_digest": .string(Digest(of: bytes).description),
            "content_size": .integer(bytes.count), "mode": .string(mode),
        ], requires: requires, notify: notify)
}

/// A declared command.
func command(
    _ name: String, check: [String], run: [String] = ["/bin/true"], timeout: Int = 30
) -> PlannedResource {
    PlannedResource(
        address: "r/command:\(name)", kind: .command, name: name,
        attributes: [
            "check": .strings(check), "run": .strings(run), "timeout": .integer(timeout),
        ])
}
