import FleetModel
import Synchronization
import TestSupport
import Testing

@testable import Compiler

/// The order of things that depend on each other, and results in order from several threads.
@Suite struct OrderTests {
    /// Every graph of up to four things: an order keeps every dependency, a cycle is one.
    @Test func everySmallGraph() {
        for count in 0...4 {
            let pairs = (0..<count).flatMap { a in (0..<count).map { (a, $0) } }
            for bits in 0..<(1 << pairs.count) {
                var before = [[Int]](repeating: [], count: count)
                for (position, pair) in pairs.enumerated() where bits >> position & 1 == 1 {
                    before[pair.0].append(pair.1)
                }
                switch DependencyOrder.of(before) {
                case .order(let order):
                    guard order.sorted() == Array(0..<count) else {
                        Issue.record("\(before): \(order) is no order of all")
                        return
                    }
                    for (position, index) in order.enumerated()
                    where !before[index].allSatisfy({ order[..<position].contains($0) }) {
                        Issue.record("\(before): \(order) breaks a dependency of \(index)")
                        return
                    }
                case .cycle(let cycle):
                    for (position, index) in cycle.enumerated()
                    where !before[index].contains(
                        cycle[position == 0 ? cycle.count - 1 : position - 1])
                    {
                        Issue.record("\(before): \(cycle) is no cycle")
                        return
                    }
                    if cycle.isEmpty { Issue.record("\(before): an empty cycle") }
                }
            }
        }
    }

    /// What depends on nothing stays where it stands.
    @Test func theOrderIsStable() {
        #expect(DependencyOrder.of([[], [], []]) == .order([0, 1, 2]))
        #expect(DependencyOrder.of([[2], [], [], []]) == .order([1, 2, 0, 3]))
        #expect(DependencyOrder.of([[3], [0], [], []]) == .order([2, 3, 0, 1]))
        #expect(DependencyOrder.of([[1], [0]]) == .cycle([0, 1]))
    }

    @Test(arguments: [0, 1, 2, 7, 500], [1, 2, 5])
    func resultsComeInOrder(count: Int, width: Int) {
        let done = Mutex<[Int: Int]>([:])
        var delivered: [Int] = []
        OrderedParallel.run(count: count, width: width) { index in
            done.withLock { $0[index, default: 0] += 1 }
            return index * 2
        } deliver: {
            delivered.append($0)
        }
        #expect(delivered == (0..<count).map { $0 * 2 })
        #expect(done.withLock { $0.count == count && $0.values.allSatisfy { $0 == 1 } })
    }

    /// Threads do not run far ahead of what was delivered, whatever the number of pieces.
    @Test func threadsStayNear() {
        let started = Mutex(0)
        var delivered = 0
        var furthest = 0
        OrderedParallel.run(count: 400, width: 3) { index in
            started.withLock { $0 = max($0, index) }
            return index
        } deliver: { (_: Int) in
            delivered += 1
            furthest = max(furthest, started.withLock { $0 } - delivered)
        }
        #expect(furthest <= 12)
    }

    struct Reference: Sendable {
        let text: String
        let reference: ResourceReference
    }

    static let references = [
        Reference(text: "a", reference: .id(role: nil, "a")),
        Reference(text: "r/a", reference: .id(role: "r", "a")),
        Reference(text: "package vim", reference: .thing(role: nil, .package, "vim")),
        Reference(text: "file:/etc/motd", reference: .thing(role: nil, .file, "/etc/motd")),
        Reference(text: "file /etc/motd", reference: .thing(role: nil, .file, "/etc/motd")),
        Reference(text: "r/file:/etc/a", reference: .thing(role: "r", .file, "/etc/a")),
        Reference(text: "file", reference: .id(role: nil, "file")),
    ]

    @Test(arguments: references)
    func referencesAreRead(_ one: Reference) {
        #expect(ResourceReference(one.text) == one.reference)
    }
}
