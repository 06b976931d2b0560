import Linux

/// Why a wait ended.
enum Wake: Sendable {
    case notified, timedOut, cancelled
}

/// A condition that tasks of the loop wait for; every notification wakes all of them.
///
/// A wake is a hint: the waiter checks its condition again. No wake is lost between the check and
/// the wait, since both happen on one thread without a suspension.
@TransportLoop
final class Notifier {
    private var waiting: [UInt64: CheckedContinuation<Wake, Never>] = [:]
    private var next: UInt64 = 0

    nonisolated init() {}

    /// Wakes all present waiters.
    func notifyAll() {
        guard !waiting.isEmpty else { return }
        let all = waiting
        waiting.removeAll()
        for continuation in all.values { continuation.resume(returning: .notified) }
    }

    /// Waits for the next notification, the deadline (CLOCK_MONOTONIC) or the task's cancellation.
    func wait(until deadline: Double?) async -> Wake {
        let number = next
        next += 1
        var timer: Timers.Name?
        if let deadline {
            timer = Poller.shared.schedule(at: deadline) { self.wake(number, .timedOut) }
        }
        let reason = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting[number] = continuation
            }
        } onCancel: {
            // Runs after the registration above: both are jobs of the loop, in this order.
            Task { @TransportLoop in self.wake(number, .cancelled) }
        }
        if let timer { Poller.shared.cancel(timer) }
        return reason
    }

    private func wake(_ number: UInt64, _ reason: Wake) {
        waiting.removeValue(forKey: number)?.resume(returning: reason)
    }
}

/// Sleeps without blocking a thread; ends early, with false, if the task is cancelled.
@TransportLoop
func pause(seconds: Double) async -> Bool {
    await Notifier().wait(until: Clock.monotonicSeconds() + seconds) != .cancelled
}
