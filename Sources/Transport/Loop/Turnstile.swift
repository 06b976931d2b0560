/// Lets a number of tasks in at once; the others wait in line.
@TransportLoop
final class Turnstile {
    private(set) var limit: Int
    private var inside = 0
    private var line: [UInt64] = []
    private var next: UInt64 = 0
    private let moved = Notifier()

    nonisolated init(limit: Int = 1) { self.limit = limit }

    /// Waits for a place; false when the task was cancelled or the deadline passed.
    func enter(until deadline: Double? = nil) async -> Bool {
        if inside < limit, line.isEmpty {
            inside += 1
            return true
        }
        let number = next
        next += 1
        line.append(number)
        while true {
            let wake = await moved.wait(until: deadline)
            if wake == .notified {
                guard line.first == number, inside < limit else { continue }
                line.removeFirst()
                inside += 1
                // There may be room for the next one, too.
                if inside < limit { moved.notifyAll() }
                return true
            }
            line.removeAll { $0 == number }
            moved.notifyAll()
            return false
        }
    }

    /// Gives a place back.
    func leave() {
        inside -= 1
        moved.notifyAll()
    }

    /// Changes how many may be inside; those inside stay.
    func setLimit(_ limit: Int) {
        self.limit = max(1, limit)
        moved.notifyAll()
    }
}
