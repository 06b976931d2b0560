import Glibc
import Linux
import Synchronization

/// Keeps a program running for as long as we live: it is killed when its owner goes, and also when
/// the tests themselves are killed, since a shell that watches a pipe of ours sees that.
package final class Guardian: Sendable {
    private let pid: pid_t
    private let lifeline: Mutex<Int32?>

    /// Starts a program with its arguments.
    package init(_ words: [String], environment: [String] = ProgramCall.plainEnvironment) throws {
        let pipe = try Descriptor.pipe()
        // The program is the shell's child, so that the shell can reap it.
        let script = "\"$@\" </dev/null & read line; kill -KILL $!; wait $!"
        pid = try ProcessRunner.spawn(
            ProgramCall("/bin/sh", ["-c", script, "guardian"] + words, environment: environment),
            stdio: [pipe.read.number, -1, -1])
        lifeline = Mutex(fcntlDuplicate(pipe.write.number))
    }

    deinit { stop() }

    /// Kills the program and waits for its end.
    package func stop() {
        let end = lifeline.withLock { lifeline in
            defer { lifeline = nil }
            return lifeline
        }
        guard let end else { return }
        close(end)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// Waits for a condition, at most five seconds.
    package func wait(until condition: () -> Bool) -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            usleep(10_000)
        }
        return false
    }

    /// Sends the program a signal.
    package func signal(_ number: Int32) {
        let list = try? LocalMachine().read("/proc/\(pid)/task/\(pid)/children", limit: 4096)
        for child in String(decoding: list ?? [], as: UTF8.self).split(separator: " ") {
            if let child = pid_t(child) { kill(child, number) }
        }
    }
}

private func fcntlDuplicate(_ number: Int32) -> Int32 { fcntl(number, F_DUPFD_CLOEXEC, 3) }
