import Linux
import Synchronization

/// An executor that runs its jobs one after another on its own thread.
///
/// For actors whose work blocks: a database on a slow disk must not block the threads that other
/// tasks share. The thread ends after ``finish()``, once all jobs passed to it are done.
package final class SerialThread: SerialExecutor {
    private struct Queue: Sendable {
        var jobs: [UnownedJob] = []
        var isFinishing = false
    }

    private let queue = Mutex(Queue())
    private let wakeUp = ThreadSignal()

    private init() {}

    /// Starts a thread; nil if none could be made.
    package static func start() -> SerialThread? {
        let thread = SerialThread()
        return DetachedThread.start { thread.run() } ? thread : nil
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.withLock { $0.jobs.append(job) }
        wakeUp.signal()
    }

    /// Ends the thread after its jobs; no job may be passed to it afterwards.
    package func finish() {
        queue.withLock { $0.isFinishing = true }
        wakeUp.signal()
    }

    private func run() {
        while wakeUp.wait() {
            let (jobs, isFinishing) = queue.withLock { queue in
                defer { queue.jobs = [] }
                return (queue.jobs, queue.isFinishing)
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            if isFinishing { return }
        }
    }
}
