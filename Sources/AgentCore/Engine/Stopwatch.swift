import Linux

/// Time since it was made.
struct Stopwatch {
    private let start = Clock.monotonicSeconds()

    var seconds: Double { Clock.monotonicSeconds() - start }
    var microseconds: Int { Int(seconds * 1e6) }
}
