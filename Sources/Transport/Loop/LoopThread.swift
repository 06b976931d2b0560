import CLinux
import Glibc
import Linux
import Synchronization

/// The thread behind `TransportLoop`: runs its jobs, and sleeps in epoll between them.
///
/// Unchecked: a mutex guards the queue, the other fields are set once in `init`.
final class LoopThread: SerialExecutor, @unchecked Sendable {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var isAwake = true
    }

    /// An epoll(7) instance and an eventfd(2) that wakes it; negative if they could not be made.
    let epoll: Int32
    let wakeUp: Int32
    private let failure: SystemError?
    private let queue = Mutex(Queue())

    init() {
        epoll = clinux_epoll()
        wakeUp = clinux_eventfd(0)
        if epoll < 0 {
            failure = SystemError(call: "epoll_create1", object: "event loop", code: -epoll)
        } else if wakeUp < 0 {
            failure = SystemError(call: "eventfd", object: "event loop", code: -wakeUp)
        } else {
            failure = nil
        }
    }

    /// Starts the thread; it runs until the process ends.
    func start() -> SystemError? {
        if let failure { return failure }
        // Signals are for the threads that wait for them; a write to a closed pipe returns EPIPE.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context {
                    Unmanaged<LoopThread>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        if code != 0 {
            Unmanaged.passUnretained(self).release()
            return SystemError(call: "pthread_create", object: "event loop", code: code)
        }
        pthread_detach(thread)
        return nil
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = queue.withLock { queue in
            queue.jobs.append(job)
            defer { queue.isAwake = true }
            return !queue.isAwake
        }
        if mustWake { _ = clinux_eventfd_signal(wakeUp) }
    }

    /// Traps unless called on the loop's thread (used by `assumeIsolated` outside of a job).
    func checkIsolated() {
        precondition(isCurrent, "called off the transport's thread")
    }

    private let identity = Mutex<pthread_t?>(nil)

    private var isCurrent: Bool {
        identity.withLock { $0.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    private func run() {
        identity.withLock { $0 = pthread_self() }
        let poller = TransportLoop.assumeIsolated { Poller.shared }
        while true {
            // One round of jobs, then a check of the descriptors, so that neither starves the
            // other.
            let jobs = queue.withLock { queue in
                defer { queue.jobs.removeAll(keepingCapacity: true) }
                return queue.jobs
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            let maySleep = queue.withLock { queue in
                queue.isAwake = !queue.jobs.isEmpty
                return !queue.isAwake
            }
            TransportLoop.assumeIsolated { poller.poll(maySleep: maySleep) }
            queue.withLock { $0.isAwake = true }
        }
    }
}
