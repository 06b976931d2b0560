import Testing

@testable import Transport

/// The limit of key exchanges finds what a machine can do, and keeps near it.
@Suite struct HandshakeWidthTests {
    @Test func growsWhileExchangesAreQuickAndNoFurtherThanAllowed() {
        var width = HandshakeWidth(most: 100)
        #expect(width.limit == HandshakeWidth.first)
        for _ in 0..<500 { width.succeeded(began: 0, now: 0.1, allowed: 10) }
        #expect(width.limit == 100)
        #expect(HandshakeWidth(most: 8).limit == 8)
    }

    @Test func isHalvedOnceForAllThatBeganBefore() {
        var width = HandshakeWidth(most: 64)
        for _ in 0..<10 { width.timedOut(began: 0, now: 10) }
        #expect(width.limit == 16)
        width.succeeded(began: 9, now: 10.5, allowed: 1)
        #expect(width.limit == 16)
        width.timedOut(began: 10, now: 20)
        #expect(width.limit == 8)
        for round in 3..<20 {
            width.timedOut(began: Double(round) * 10, now: Double(round) * 10 + 1)
        }
        #expect(width.limit == HandshakeWidth.least)
    }

    /// A machine that needs 10 ms of CPU time for an exchange and shares it out among all under way.
    @Test(arguments: [(1_000, 10.0), (5_000, 10.0), (1_000, 1.0)])
    func noExchangeRunsOutOfTimeOnceTheLimitIsFound(_ hosts: Int, _ allowed: Double) {
        var width = HandshakeWidth(most: 1_000)
        var now = 0.0
        var late = 0
        var done = 0
        while done < hosts {
            let batch = min(width.limit, hosts - done)
            let seconds = Double(batch) * 0.010
            for _ in 0..<batch {
                if seconds > allowed {
                    late += 1
                    width.timedOut(began: now, now: now + allowed)
                } else {
                    width.succeeded(began: now, now: now + seconds, allowed: allowed)
                }
            }
            done += batch
            now += seconds
        }
        #expect(late == 0)
        #expect(width.limit > 4)
    }
}
