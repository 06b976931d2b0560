import CLinux
import Glibc
import Linux

/// A child process whose pipes and whose end the loop watches.
@TransportLoop
final class ChildProcess {
    /// Notified when a pipe became ready or the process ended.
    let changed = Notifier()
    private(set) var exit: RemoteExit?
    private let pid: pid_t
    private let input: PipeEnd
    private let output: PipeEnd
    private let errors: PipeEnd
    /// A pidfd(2), readable once the process has ended.
    private let end: PipeEnd

    /// The descriptors of a new process; whoever takes a number owns it.
    private struct Started: Sendable {
        var pid: pid_t
        var input: Int32
        var output: Int32
        var errors: Int32
        var end: Int32
    }

    /// Starts a program.
    static func start(_ call: ProgramCall) async throws(SystemError) -> ChildProcess {
        try ChildProcess(try await spawn(call))
    }

    /// Runs off the loop: fork(2) of a large process takes time.
    @concurrent
    nonisolated private static func spawn(_ call: ProgramCall) async throws(SystemError) -> Started
    {
        let input = try Descriptor.pipe()
        let output = try Descriptor.pipe()
        let errors = try Descriptor.pipe()
        for end in [input.write.number, output.read.number, errors.read.number] {
            try checkNegated(clinux_set_nonblocking(end, 1), "fcntl", call.path)
        }
        let pid = try ProcessRunner.spawn(
            call, stdio: [input.read.number, output.write.number, errors.write.number])
        let end = clinux_pidfd_open(pid)
        if end < 0 {
            Glibc.kill(-pid, SIGKILL)
            var status: Int32 = 0
            var signal: Int32 = 0
            _ = clinux_wait(pid, 0, &status, &signal)
            throw SystemError(call: "pidfd_open", object: call.path, code: -end)
        }
        return Started(
            pid: pid, input: dup(input.write), output: dup(output.read), errors: dup(errors.read),
            end: end)
    }

    nonisolated private static func dup(_ descriptor: borrowing Descriptor) -> Int32 {
        fcntl(descriptor.number, F_DUPFD_CLOEXEC, 3)
    }

    private init(_ started: Started) throws(SystemError) {
        pid = started.pid
        let changed = changed
        input = try PipeEnd(owning: started.input, .output, changed)
        output = try PipeEnd(owning: started.output, .input, changed)
        errors = try PipeEnd(owning: started.errors, .input, changed)
        end = try PipeEnd(owning: started.end, .input, changed)
        end.onReady = { [self] in reap() }
    }

    /// Bytes of standard output: nil for none yet, empty at the end.
    func readOutput(_ count: Int) -> [UInt8]? { output.read(count) }

    /// Bytes of standard error, in the same way.
    func readErrors(_ count: Int) -> [UInt8]? { errors.read(count) }

    /// Writes as many bytes as fit and returns their count; nil once the pipe has no reader.
    func write(_ bytes: ArraySlice<UInt8>) -> Int? { input.write(bytes) }

    func closeInput() { input.close() }

    /// Kills the process and all processes it started; its end is still awaited, so that no zombie
    /// remains.
    func kill() {
        input.close()
        output.close()
        errors.close()
        if exit == nil { Glibc.kill(-pid, SIGKILL) }
        changed.notifyAll()
    }

    private func reap() {
        var status: Int32 = 0
        var signal: Int32 = 0
        guard exit == nil, clinux_wait(pid, 1, &status, &signal) != 0 else { return }
        exit = signal != 0 ? .signal(SignalName.of(signal)) : .status(status)
        end.onReady = {}
        end.close()
        changed.notifyAll()
    }
}

/// One end of a pipe, or a pidfd.
@TransportLoop
private final class PipeEnd {
    var onReady: @TransportLoop () -> Void = {}
    private var descriptor: Descriptor?
    private var watch: Watch?
    private var isReady = true

    init(owning number: Int32, _ interest: Readiness, _ changed: Notifier) throws(SystemError) {
        if number < 0 { throw SystemError(call: "fcntl", object: "pipe", code: EMFILE) }
        descriptor = Descriptor(owning: number)
        watch = try Poller.shared.watch(number, interest) { [weak self] _ in
            self?.isReady = true
            self?.onReady()
            changed.notifyAll()
        }
    }

    /// Reads bytes; nil: none yet; empty: the end.
    func read(_ count: Int) -> [UInt8]? {
        guard let number = descriptor?.number else { return [] }
        guard isReady else { return nil }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var n: Int
            repeat {
                n = Glibc.read(number, buffer.baseAddress, count)
            } while n < 0 && errno == EINTR
            code = n < 0 ? errno : 0
            filled = max(0, n)
        }
        if code == EAGAIN {
            isReady = false
            return nil
        }
        if bytes.isEmpty { close() }
        return bytes
    }

    /// Writes bytes; nil: the pipe has no reader.
    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let number = descriptor?.number else { return nil }
        guard isReady else { return 0 }
        let n = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
        if n >= 0 { return n }
        if errno == EAGAIN {
            isReady = false
            return 0
        }
        return errno == EINTR ? 0 : nil
    }

    func close() {
        if let watch { Poller.shared.unwatch(watch) }
        watch = nil
        descriptor = nil
    }

    isolated deinit { close() }
}

/// Signals by name without SIG, as in SSH (RFC 4254, 6.10).
enum SignalName {
    private static let names: [Int32: String] = [
        SIGABRT: "ABRT", SIGALRM: "ALRM", SIGFPE: "FPE", SIGHUP: "HUP", SIGILL: "ILL",
        SIGINT: "INT", SIGKILL: "KILL", SIGPIPE: "PIPE", SIGQUIT: "QUIT", SIGSEGV: "SEGV",
        SIGTERM: "TERM", SIGUSR1: "USR1", SIGUSR2: "USR2", SIGBUS: "BUS", SIGXCPU: "XCPU",
    ]

    static func of(_ number: Int32) -> String { names[number] ?? "\(number)" }
}
