import Linux

/// Measures the time since its creation.
struct Stopwatch {
    private let start = Clock.monotonicSeconds()

    var seconds: Double { Clock.monotonicSeconds() - start }
    var microseconds: Int { Int(seconds * 1e6) }
}
