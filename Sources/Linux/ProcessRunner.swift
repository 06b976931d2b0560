import CLinux
import Glibc

/// A program to run: an absolute path and its arguments, never a shell line.
package struct ProgramCall: Sendable, Equatable {
    /// The absolute path of the program.
    package var path: String
    /// The arguments after the program's own name.
    package var arguments: [String]
    /// The whole environment of the child, `NAME=value`.
    package var environment: [String]
    /// Bytes for its standard input.
    package var input: [UInt8]
    /// The directory it starts in; nil: the caller's.
    package var directory: String?
    /// The time limit in seconds; then its whole process group is killed.
    package var timeoutSeconds: Double
    /// The most bytes kept of each output; a program that prints more is killed.
    package var outputLimit: Int
    /// The user and group it runs as; nil: the caller's.
    package var identity: ChildIdentity?

    package init(
        _ path: String, _ arguments: [String] = [],
        environment: [String] = ProgramCall.plainEnvironment,
        input: [UInt8] = [], directory: String? = nil, timeoutSeconds: Double = 60,
        outputLimit: Int = 16 << 20, identity: ChildIdentity? = nil
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.directory = directory
        self.timeoutSeconds = timeoutSeconds
        self.outputLimit = outputLimit
        self.identity = identity
    }

    /// A fixed search path and the C locale: the same on every host, regardless of the login shell.
    package static let plainEnvironment = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
        "HOME=/root",
        "DEBIAN_FRONTEND=noninteractive",
    ]
}

/// The user and group a child runs as.
package struct ChildIdentity: Sendable, Equatable {
    package var uid: UInt32
    package var gid: UInt32
    /// Whether CAP_DAC_READ_SEARCH is kept as an ambient capability, so that the child can read
    /// what root can.
    package var keepsReadCapability: Bool

    package init(uid: UInt32, gid: UInt32, keepsReadCapability: Bool = false) {
        self.uid = uid
        self.gid = gid
        self.keepsReadCapability = keepsReadCapability
    }
}

/// How a program ended.
///
/// A non-zero exit status is a result, not a thrown error.
package struct ProgramResult: Sendable, Equatable, CustomStringConvertible {
    package enum End: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
        case timedOut
        case tooMuchOutput
    }

    package var end: End
    package var output: [UInt8]
    package var errorOutput: [UInt8]

    package init(end: End, output: [UInt8] = [], errorOutput: [UInt8] = []) {
        self.end = end
        self.output = output
        self.errorOutput = errorOutput
    }

    package var succeeded: Bool { end == .exited(0) }
    package var outputText: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errorOutput, as: UTF8.self) }

    /// `exited with status 1`, `was killed by signal 9`, `ran out of time`.
    package var endText: String {
        switch end {
        case .exited(let status): "exited with status \(status)"
        case .signalled(let number): "was killed by signal \(number)"
        case .timedOut: "ran out of time"
        case .tooMuchOutput: "printed too much"
        }
    }

    /// How it ended and what it printed, as text: a failed test shows it.
    package var description: String {
        "\(endText)\n\(outputText)\(errorText)"
    }
}

/// Runs programs and waits for them, with a deadline over the whole process group.
package enum ProcessRunner {
    /// How many seconds the output is still read after the program itself has ended.
    ///
    /// All that the program printed is in the pipe by then. Processes that it left running may
    /// print more in this time; a daemon that keeps the output open forever is not waited for.
    package static let graceSeconds = 0.5
    /// Seconds between two checks whether a program that prints nothing has ended.
    private static let lookSeconds = 0.1

    /// Runs a program to its end.
    ///
    /// This waits for the end of the program, not of its output: processes that it started may keep
    /// the output open, and continue undisturbed. The child leads its own session; on timeout its
    /// process group gets SIGKILL. Output past the limit also ends it. Throws only if the program
    /// could not be started. `affinity` is the mask of the CPUs it may use, as sched_setaffinity(2)
    /// takes it; empty keeps the caller's. `owner` is a socket or pipe; if its other end is closed,
    /// the program is killed as on timeout.
    package static func run(
        _ call: ProgramCall, affinity: [UInt8] = [], owner: Int32 = -1
    ) throws(SystemError) -> ProgramResult {
        let input = try Descriptor.pipe()
        let output = try Descriptor.pipe()
        let errors = try Descriptor.pipe()
        let pid = try spawn(
            call, stdio: [input.read.number, output.write.number, errors.write.number],
            affinity: affinity)
        return collect(
            pid, call, owner, input.write.release(), output.read.release(), errors.read.release(),
            closing: [input.read.release(), output.write.release(), errors.write.release()])
    }

    /// Starts a program with the given descriptors as its 0, 1 and 2 (-1: /dev/null).
    package static func spawn(
        _ call: ProgramCall, stdio: [Int32], affinity: [UInt8] = []
    ) throws(SystemError) -> pid_t {
        var identity = clinux_identity()
        if let wanted = call.identity {
            identity.set = 1
            identity.uid = wanted.uid
            identity.gid = wanted.gid
            identity.keep_read = wanted.keepsReadCapability ? 1 : 0
        }
        let result = withCStrings([call.path] + call.arguments) { argv in
            withCStrings(call.environment) { envp in
                if let directory = call.directory {
                    return directory.withCString {
                        clinux_spawn(
                            call.path, argv, envp, $0, stdio, 1, &identity, affinity,
                            affinity.count)
                    }
                }
                return clinux_spawn(
                    call.path, argv, envp, nil, stdio, 1, &identity, affinity, affinity.count)
            }
        }
        return try checkNegated(result, "execve", call.path)
    }

    private static func collect(
        _ pid: pid_t, _ call: ProgramCall, _ owner: Int32, _ input: Int32, _ output: Int32,
        _ errors: Int32, closing: [Int32]
    ) -> ProgramResult {
        for descriptor in closing { close(descriptor) }
        var pump = Pump(
            input: input, output: output, errors: errors, owner: owner, bytes: call.input)
        let deadline = Clock.monotonicSeconds() + call.timeoutSeconds
        var end: ProgramResult.End?
        /// How the program ended, and until when the output of processes it left running is read.
        var ended: (end: ProgramResult.End, until: Double)?
        while !pump.isDone {
            let now = Clock.monotonicSeconds()
            let left = (ended?.until ?? deadline) - now
            if left <= 0 || pump.isOwnerGone {
                end = ended?.end ?? .timedOut
                break
            }
            let wait = ended == nil ? min(left, lookSeconds) : left
            pump.step(milliseconds: Int32((wait * 1000).rounded(.up)))
            if pump.output.count > call.outputLimit || pump.errors.count > call.outputLimit {
                end = .tooMuchOutput
                break
            }
            if ended == nil, let how = reap(pid) {
                ended = (how, Clock.monotonicSeconds() + graceSeconds)
                pump.drain(atMost: call.outputLimit)
            }
        }
        pump.closeAll()
        if let ended {
            let isTooMuch =
                pump.output.count > call.outputLimit || pump.errors.count > call.outputLimit
            return result(isTooMuch ? .tooMuchOutput : ended.end, pump)
        }
        if end != nil { kill(-pid, SIGKILL) }
        let status = wait(pid, until: end == nil ? deadline : deadline + 5, owner: owner)
        return result(end ?? status, pump)
    }

    private static func result(_ end: ProgramResult.End, _ pump: Pump) -> ProgramResult {
        ProgramResult(end: end, output: pump.output, errorOutput: pump.errors)
    }

    /// How a child ended; nil while it runs.
    private static func reap(_ pid: pid_t) -> ProgramResult.End? {
        var status: Int32 = 0
        var number: Int32 = 0
        let answer = clinux_wait(pid, 1, &status, &number)
        if answer == 0 { return nil }
        if answer < 0 { return .exited(-1) }
        return number != 0 ? .signalled(number) : .exited(status)
    }

    /// Waits for a child whose output has ended; a child that closed its output and does not end is
    /// killed.
    private static func wait(
        _ pid: pid_t, until deadline: Double, owner: Int32
    ) -> ProgramResult.End {
        var pause: useconds_t = 200
        while true {
            if let end = reap(pid) { return end }
            if Clock.monotonicSeconds() > deadline || Pump.isHungUp(owner) {
                kill(-pid, SIGKILL)
                var status: Int32 = 0
                var number: Int32 = 0
                _ = clinux_wait(pid, 0, &status, &number)
                return .timedOut
            }
            usleep(pause)
            pause = min(pause * 2, 10_000)
        }
    }
}

/// Moves bytes between a child's three pipes and memory.
private struct Pump {
    var input: Int32
    var outputs: [Int32]
    let owner: Int32
    private(set) var isOwnerGone = false
    var buffers: [[UInt8]] = [[], []]
    let bytes: [UInt8]
    var sent = 0

    init(input: Int32, output: Int32, errors: Int32, owner: Int32, bytes: [UInt8]) {
        self.input = input
        self.owner = owner
        outputs = [output, errors]
        self.bytes = bytes
        _ = clinux_set_nonblocking(input, 1)
        if bytes.isEmpty { closeInput() }
    }

    var output: [UInt8] { buffers[0] }
    var errors: [UInt8] { buffers[1] }
    var isDone: Bool { outputs.allSatisfy { $0 < 0 } }

    /// Reads what the pipes hold now, after the child has ended.
    ///
    /// Has no time limit, since the data is already in the pipes, but a size limit, since other
    /// processes may still write.
    mutating func drain(atMost limit: Int) {
        for index in 0..<2 {
            var room = limit
            while outputs[index] >= 0, room > 0 {
                var polled = pollfd(fd: outputs[index], events: Int16(POLLIN), revents: 0)
                guard poll(&polled, 1, 0) > 0 else { break }
                let before = buffers[index].count
                drain(index)
                room -= max(1, buffers[index].count - before)
            }
        }
    }

    mutating func step(milliseconds: Int32) {
        // A negative descriptor is skipped by poll(2).
        var polled = outputs.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        polled.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0))
        polled.append(pollfd(fd: owner, events: 0, revents: 0))
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return }
        for index in 0..<2 where polled[index].revents != 0 { drain(index) }
        if polled[2].revents != 0 { feed() }
        if polled[3].revents != 0 { isOwnerGone = true }
    }

    static func isHungUp(_ owner: Int32) -> Bool {
        var polled = pollfd(fd: owner, events: 0, revents: 0)
        return poll(&polled, 1, 0) > 0
    }

    private mutating func drain(_ index: Int) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let n = read(outputs[index], &chunk, chunk.count)
        if n > 0 {
            buffers[index].append(contentsOf: chunk[0..<n])
        } else if n == 0 || (errno != EINTR && errno != EAGAIN) {
            close(outputs[index])
            outputs[index] = -1
        }
    }

    private mutating func feed() {
        let n = bytes.withUnsafeBytes {
            write(input, $0.baseAddress?.advanced(by: sent), bytes.count - sent)
        }
        if n > 0 { sent += n }
        if sent == bytes.count || (n < 0 && errno != EINTR && errno != EAGAIN) { closeInput() }
    }

    private mutating func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    mutating func closeAll() {
        closeInput()
        for index in 0..<2 where outputs[index] >= 0 {
            close(outputs[index])
            outputs[index] = -1
        }
    }
}

/// Calls the body with a NULL-terminated array of C strings, freed afterwards.
package func withCStrings<R>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> R
) rethrows -> R {
    let pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return try body(pointers)
}
