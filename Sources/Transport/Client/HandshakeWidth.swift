/// How many key exchanges may run at once, adapted to how long they take.
///
/// Key exchanges cost both sides CPU time: with too many at once on one busy machine none finishes
/// in time, and hosts would be reported unreachable only because of our load. So each quick
/// exchange raises the limit by one, later one for as many exchanges as the limit allows, and an
/// exchange that ran out of time or came close to it halves the limit (additive increase,
/// multiplicative decrease, as in TCP: RFC 5681).
struct HandshakeWidth: Sendable, Equatable {
    static let least = 4
    /// The initial limit.
    static let first = 32

    let most: Int
    private(set) var limit: Int
    /// Whether the limit was never halved: then it is still being raised quickly.
    private var isSearching = true
    private var quick = 0
    private var halvedAt = -Double.infinity

    init(most: Int) {
        self.most = max(1, most)
        limit = min(Self.first, self.most)
    }

    /// Records that an exchange finished within the `allowed` seconds.
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

    /// Records that an exchange ran out of time.
    mutating func timedOut(began: Double, now: Double) { halve(began: began, now: now) }

    /// Halves the limit; exchanges that began before the last halving do not count against the new
    /// limit.
    private mutating func halve(began: Double, now: Double) {
        guard began >= halvedAt else { return }
        isSearching = false
        halvedAt = now
        quick = 0
        limit = max(min(Self.least, most), limit / 2)
    }
}
