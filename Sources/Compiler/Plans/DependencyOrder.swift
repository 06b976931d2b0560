/// Orders things after their dependencies, and otherwise keeps the given order.
package enum DependencyOrder {
    package enum Outcome: Equatable {
        /// Indices in order.
        case order([Int])
        /// A cycle: each index depends on the one before it, and the first on the last.
        case cycle([Int])
    }

    /// The order of `before.count` things, where thing `i` comes after all of `before[i]`.
    ///
    /// The lowest index without open dependencies is always next, so the order is stable and
    /// deterministic.
    package static func of(_ before: [[Int]]) -> Outcome {
        let count = before.count
        if before.indices.allSatisfy({ index in before[index].allSatisfy { $0 < index } }) {
            return .order(Array(0..<count))
        }
        var waiting = before.map(\.count)
        var after = [[Int]](repeating: [], count: count)
        for (index, others) in before.enumerated() {
            for other in others { after[other].append(index) }
        }
        var free = Heap()
        for index in 0..<count where waiting[index] == 0 { free.push(index) }
        var order: [Int] = []
        order.reserveCapacity(count)
        while let index = free.pop() {
            order.append(index)
            for other in after[index] {
                waiting[other] -= 1
                if waiting[other] == 0 { free.push(other) }
            }
        }
        if order.count == count { return .order(order) }
        return .cycle(cycle(before, waiting: waiting))
    }

    /// Follows dependencies from an unordered thing until one occurs a second time.
    private static func cycle(_ before: [[Int]], waiting: [Int]) -> [Int] {
        var path: [Int] = []
        var position: [Int: Int] = [:]
        var current = waiting.firstIndex { $0 > 0 } ?? 0
        while position[current] == nil {
            position[current] = path.count
            path.append(current)
            // Every unordered thing depends on another unordered thing.
            guard let next = before[current].first(where: { waiting[$0] > 0 }) else { break }
            current = next
        }
        let found = Array(path[(position[current] ?? 0)...])
        // Here each depends on the next one; reversed, on the previous one. The cycle starts at
        // the lowest index, so that it is always reported in the same way.
        let turned = Array(found.reversed())
        let start = turned.firstIndex(of: turned.min() ?? 0) ?? 0
        return Array(turned[start...] + turned[..<start])
    }

    /// A binary heap of indices, lowest first.
    private struct Heap {
        private var elements: [Int] = []

        mutating func push(_ element: Int) {
            elements.append(element)
            var child = elements.count - 1
            while child > 0 {
                let parent = (child - 1) / 2
                if elements[parent] <= elements[child] { break }
                elements.swapAt(parent, child)
                child = parent
            }
        }

        mutating func pop() -> Int? {
            guard let first = elements.first, let last = elements.popLast() else { return nil }
            if elements.isEmpty { return first }
            elements[0] = last
            var parent = 0
            while true {
                var child = 2 * parent + 1
                if child >= elements.count { break }
                if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
                if elements[parent] <= elements[child] { break }
                elements.swapAt(parent, child)
                parent = child
            }
            return first
        }
    }
}
