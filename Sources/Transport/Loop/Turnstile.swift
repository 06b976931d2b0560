/// Lets a number of tasks in at once; the others wait in line, first come, first served.
@TransportLoop
final class Turnstile {
    /// How many tasks may be inside at once; lowering it does not remove tasks that are inside.
    var limit: Int {
        didSet {
            limit = max(1, limit)
            admit()
        }
    }
    private(set) var inside = 0
    /// The waiting tasks by ascending number; tasks that gave up leave gaps.
    private var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    private var line: ArraySlice<UInt64> = []
    private var next: UInt64 = 0

    nonisolated init(limit: Int = 1) { self.limit = max(1, limit) }

    /// Waits for a place; false if the task was cancelled or the deadline (CLOCK_MONOTONIC) passed.
    func enter(until deadline: Double? = nil) async -> Bool {
        if inside < limit {
            inside += 1
            return true
        }
        let number = next
        next += 1
        let timer = deadline.map { instant in
            Poller.shared.schedule(at: instant) { self.giveUp(number) }
        }
        let entered = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting[number] = continuation
                line.append(number)
            }
        } onCancel: {
            // Runs after the registration above: both are jobs of the loop, in this order.
            Task { @TransportLoop in self.giveUp(number) }
        }
        if let timer { Poller.shared.cancel(timer) }
        return entered
    }

    /// Passes the place to the next waiting task, or releases it.
    func leave() {
        inside -= 1
        admit()
    }

    private func admit() {
        while inside < limit, let number = line.popFirst() {
            guard let continuation = waiting.removeValue(forKey: number) else { continue }
            inside += 1
            continuation.resume(returning: true)
        }
        if line.isEmpty { line = [] }
    }

    private func giveUp(_ number: UInt64) {
        waiting.removeValue(forKey: number)?.resume(returning: false)
    }
}
