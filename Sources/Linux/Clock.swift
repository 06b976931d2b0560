import Glibc

/// Readings of the kernel's clocks.
package enum Clock {
    /// Seconds of CLOCK_MONOTONIC: for durations and deadlines.
    package static func monotonicSeconds() -> Double { seconds(CLOCK_MONOTONIC) }

    /// Seconds since the epoch.
    package static func wallSeconds() -> Double { seconds(CLOCK_REALTIME) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    /// An instant in UTC as RFC 3339 writes it: `2026-11-21T05:30:00Z`.
    package static func rfc3339(_ secondsSinceEpoch: Double) -> String {
        var instant = time_t(secondsSinceEpoch)
        var parts = tm()
        gmtime_r(&instant, &parts)
        func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
