import Glibc
import Synchronization

/// Runs numbered pieces of work on several threads and delivers the results in order.
enum OrderedParallel {
    /// Runs `work` for 0..<`count` on threads, and `deliver` in order on the calling thread.
    ///
    /// `width` is the number of threads; nil means one for each processor. Threads are at most
    /// 4 × `width` pieces ahead of delivery, so that memory is bounded. With one piece or a width
    /// of 1, no thread is started.
    static func run<Result: Sendable>(
        count: Int, width: Int?, work: @escaping @Sendable (Int) -> Result,
        deliver: (Result) -> Void
    ) {
        let width = min(count, width ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        guard width > 1 else {
            for index in 0..<count { deliver(work(index)) }
            return
        }
        let board = Board<Result>(count: count, ahead: width * 4)
        var threads: [pthread_t] = []
        for _ in 0..<width {
            let task = Unmanaged.passRetained(Task { board.runThread(work) })
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { pointer in
                    if let pointer {
                        Unmanaged<Task>.fromOpaque(pointer).takeRetainedValue().body()
                    }
                    return nil
                }, task.toOpaque())
            if status == 0 {
                threads.append(thread)
            } else {
                task.release()
            }
        }
        // If no thread could be started, the caller does the work itself.
        if threads.isEmpty {
            for index in 0..<count { deliver(work(index)) }
            return
        }
        for index in 0..<count { deliver(board.waitFor(index)) }
        for thread in threads { pthread_join(thread, nil) }
    }

    private final class Task: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

/// The shared state of the threads: the next piece, finished results, and delivered ones.
///
/// Unchecked: all state is read and written only under the lock.
private final class Board<Result: Sendable>: @unchecked Sendable {
    private let count: Int
    private let ahead: Int
    private var next = 0
    private var delivered = 0
    private var results: [Int: Result] = [:]
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    init(count: Int, ahead: Int) {
        self.count = count
        self.ahead = ahead
        // They are on the heap, because their addresses must not change.
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_mutex_t())
        pthread_mutex_init(lock, nil)
        changed = .allocate(capacity: 1)
        changed.initialize(to: pthread_cond_t())
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(lock)
        changed.deallocate()
        lock.deallocate()
    }

    /// Takes and runs pieces until none are left.
    func runThread(_ work: @Sendable (Int) -> Result) {
        while let index = take() {
            let result = work(index)
            pthread_mutex_lock(lock)
            results[index] = result
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(lock)
        }
    }

    private func take() -> Int? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while next < count, next >= delivered + ahead { pthread_cond_wait(changed, lock) }
        guard next < count else { return nil }
        defer { next += 1 }
        return next
    }

    /// Waits for a result and removes it.
    func waitFor(_ index: Int) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            if let result = results.removeValue(forKey: index) {
                delivered = index + 1
                pthread_cond_broadcast(changed)
                return result
            }
            pthread_cond_wait(changed, lock)
        }
    }
}
