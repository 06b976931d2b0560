import Views

/// Turns events into text for stderr: one line that is rewritten, or lines if it is no terminal.
///
/// Pure: the caller gives the time and writes the returned text.
package struct ProgressLine: Sendable {
    private let isTerminal: Bool
    private let isVerbose: Bool
    private var verb = ""
    private var total = 0
    private var done = 0
    private var running: [String] = []
    private var bad: [HostOutcome: Int] = [:]
    private var began = 0.0
    private var lastShown = -1.0

    /// - Parameters:
    ///   - isTerminal: whether stderr is a terminal.
    ///   - isVerbose: whether each host gets a line if stderr is not a terminal.
    package init(isTerminal: Bool, isVerbose: Bool) {
        self.isTerminal = isTerminal
        self.isVerbose = isVerbose
    }

    /// Takes an event and its time in seconds; returns the text to write, which may be empty.
    package mutating func take(_ event: RunEvent, at now: Double) -> String {
        switch event {
        case .began(let verb, let hosts):
            self.verb = verb
            total = hosts
            began = now
            return isTerminal ? "" : "\(verb): \(Quantity.count(hosts, "host"))\n"
        case .hostStarted(let host):
            running.append(host)
            return show(at: now)
        case .hostEnded(let host, let outcome):
            running.removeAll { $0 == host }
            done += 1
            let isBad = [.failed, .unreachable, .refused, .notCompiled].contains(outcome)
            if isBad { bad[outcome, default: 0] += 1 }
            if !isTerminal, isBad || isVerbose {
                let words = outcome.rawValue.split(separator: "_").joined(separator: " ")
                return "\(verb): \(done)/\(total) \(host) \(words)\n"
            }
            return show(at: now)
        case .remark(let text): return isTerminal ? "\r\u{1B}[K\(text)\n" : "\(verb): \(text)\n"
        case .ended:
            if isTerminal { return "\r\u{1B}[K" }
            return "\(verb): \(done)/\(total) done in \(seconds(now - began))\n"
        }
    }

    /// At most ten times a second: a terminal over a slow link must not slow the run.
    private mutating func show(at now: Double) -> String {
        guard isTerminal, now - lastShown >= 0.1 else { return "" }
        lastShown = now
        var text = "\(verb) \(done)/\(total)"
        for outcome in HostOutcome.allCases {
            if let count = bad[outcome] {
                text +=
                    ", \(count) \(outcome.rawValue.split(separator: "_").joined(separator: " "))"
            }
        }
        if done > 0, done < total {
            text += ", about \(seconds((now - began) / Double(done) * Double(total - done))) left"
        }
        if let oldest = running.first { text += ", waiting for \(oldest)" }
        return "\r\u{1B}[K\(text.prefix(110))"
    }

    private func seconds(_ time: Double) -> String {
        Quantity.duration(microseconds: Int(time * 1e6))
    }
}
