import Glibc
import Linux
import Testing

@Suite struct ProcessRunnerTests {
    private func run(
        _ script: String, seconds: Double = 30, limit: Int = 16 << 20
    ) throws -> (result: ProgramResult, seconds: Double) {
        let began = Clock.monotonicSeconds()
        let result = try ProcessRunner.run(
            ProgramCall(
                "/bin/sh", ["-c", script], timeoutSeconds: seconds, outputLimit: limit))
        return (result, Clock.monotonicSeconds() - began)
    }

    /// As a package's script leaves it: a daemon that has the output open, and lives on.
    @Test func aDaemonThatHoldsTheOutputIsNotWaitedFor() throws {
        let (result, seconds) = try run("sleep 300 & echo $!; echo said >&2; exit 3")
        #expect(result.end == .exited(3))
        #expect(result.errorText == "said\n")
        #expect(seconds < 15)
        let daemon = try #require(pid_t(result.outputText.filter { $0 != "\n" }))
        #expect(kill(daemon, 0) == 0, "it was ended too")
        kill(daemon, SIGKILL)
    }

    @Test func nothingThatTheProgramSaidIsLost() throws {
        // As much as a pipe takes at once, written last.
        let daemon = "sleep 302.\(getpid())"
        let (result, _) = try run(
            "\(daemon) & head -c 65536 /dev/zero | tr '\\0' x; kill -9 $$")
        #expect(result.end == .signalled(9))
        #expect(result.output.count == 65_536)
        for pid in try processes(daemon) { kill(pid, SIGKILL) }
    }

    @Test func whatIsLeftRunningMaySayAWord() throws {
        let (result, _) = try run("(sleep 0.1; echo late) & echo early")
        #expect(result.outputText == "early\nlate\n")
    }

    @Test func whatIsLeftRunningAndPrintsForEverIsNotWaitedFor() throws {
        let (result, seconds) = try run("yes & echo $! >&2", limit: 1 << 20)
        #expect([.exited(0), .tooMuchOutput].contains(result.end))
        #expect(seconds < 15)
        if let other = pid_t(result.errorText.filter { $0 != "\n" }) { kill(other, SIGKILL) }
    }

    @Test func aProgramOutOfTimeIsEndedWithWhatItStarted() throws {
        let program = "sleep 301.\(getpid())"
        let (result, seconds) = try run("\(program) & \(program)", seconds: 0.3)
        #expect(result.end == .timedOut)
        #expect(seconds < 15)
        // A killed process is there until the kernel gets round to ending it.
        let deadline = Clock.monotonicSeconds() + 10
        while try !processes(program).isEmpty, Clock.monotonicSeconds() < deadline {
            usleep(50_000)
        }
        #expect(try processes(program).isEmpty)
    }

    /// The processes that run with exactly these words.
    ///
    /// The words contain our process id, since other checkouts may run the same tests.
    private func processes(_ words: String) throws -> [pid_t] {
        let machine = LocalMachine()
        return try machine.list("/proc").compactMap { pid_t($0) }.filter { pid in
            let line = (try? machine.textIfPresent("/proc/\(pid)/cmdline")) ?? nil
            return line?.split(separator: "\0").joined(separator: " ") == words
        }
    }
}
