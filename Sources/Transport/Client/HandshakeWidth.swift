/// How many key exchanges may be under way at once, as their times suggest.
///
/// They cost both sides CPU time: too many at once on one busy machine and none is done in time, and
/// hosts are called unreachable for our own haste. So the limit grows by one with each exchange that
/// was quick, later by one for as many as it allows, and is halved by one that ran out of time or
/// came close to it (additive increase, multiplicative decrease, as TCP does: RFC 5681).
struct HandshakeWidth: Sendable, Equatable {
    static let least = 4
    /// Where it begins.
    static let first = 32

    let most: Int
    private(set) var limit: Int
    /// Whether it was never halved: then it still looks for where the limit is.
    private var isSearching = true
    private var quick = 0
    private var halvedAt = -Double.infinity

    init(most: Int) {
        self.most = max(1, most)
        limit = min(Self.first, self.most)
    }

    /// An exchange was done: it took `seconds` of the `allowed` ones.
    mutating func succeeded(began: Double, now: Double, allowed: Double) {
        let share = (now - began) / max(allowed, 0.001)
        if share > 0.5 { return halve(began: began, now: now) }
        guard share < 0.25, limit < most else { return }
        quick += 1
        if isSearching || quick >= limit {
            limit += 1
            quick = 0
        }
    }

    /// An exchange ran out of time.
    mutating func timedOut(began: Double, now: Double) { halve(began: began, now: now) }

    /// Exchanges that began before the limit was halved say nothing about the new one.
    private mutating func halve(began: Double, now: Double) {
        guard began >= halvedAt else { return }
        isSearching = false
        halvedAt = now
        quick = 0
        limit = max(min(Self.least, most), limit / 2)
    }
}
