/// Actions ordered by the instant they are due: a binary heap in which cancelled entries stay until
/// they are due or outnumber the others.
@TransportLoop
struct Timers {
    /// Identifies a timer for cancelling.
    struct Name: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private var heap: [(instant: Double, name: Name)] = []
    private var actions: [Name: @TransportLoop () -> Void] = [:]
    private var next: UInt64 = 0

    /// Adds an action due at an instant of CLOCK_MONOTONIC.
    mutating func add(at instant: Double, _ action: @escaping @TransportLoop () -> Void) -> Name {
        let name = Name(number: next)
        next += 1
        actions[name] = action
        heap.append((instant, name))
        siftUp(heap.count - 1)
        return name
    }

    mutating func cancel(_ name: Name) {
        actions[name] = nil
        guard heap.count > 64 + 2 * actions.count else { return }
        heap.removeAll { actions[$0.name] == nil }
        heap.sort { $0.instant < $1.instant }
    }

    /// The timeout for epoll_wait(2): -1 without timers.
    mutating func millisecondsToNext(now: Double) -> Int32 {
        while let first = heap.first, actions[first.name] == nil { removeFirst() }
        guard let first = heap.first else { return -1 }
        return Int32(min(max(0, (first.instant - now) * 1000).rounded(.up), 60_000))
    }

    /// Removes and returns the actions that are due, in order.
    mutating func takeDue(now: Double) -> [@TransportLoop () -> Void] {
        var due: [@TransportLoop () -> Void] = []
        while let first = heap.first, first.instant <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.name) { due.append(action) }
        }
        return due
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].instant < heap[least].instant { least = child }
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private mutating func siftUp(_ index: Int) {
        var child = index
        while child > 0, heap[child].instant < heap[(child - 1) / 2].instant {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }
}
