import CLinux
import FleetModel
import Glibc
import Wire

/// One line of the host's log.
protocol LogLine {
    var message: String { get }
    /// As syslog(3) numbers them: 3 error, 5 notice, 6 info.
    var priority: Int { get }
    /// The additional journald fields, by name.
    var fields: [(String, String)] { get }
}

/// What the host's log says of a reboot: who wanted it, and for what.
struct RebootLine: LogLine {
    let runID: String
    let requestedBy: String
    let fault: AgentFault?

    var message: String {
        "reboot by \(requestedBy), run \(runID)" + (fault.map { ": \($0.code): \($0.text)" } ?? "")
    }

    var priority: Int { fault == nil ? 5 : 3 }

    var fields: [(String, String)] {
        [("MUSTER_RUN", runID), ("MUSTER_MODE", "reboot"), ("MUSTER_REQUESTED_BY", requestedBy)]
    }
}

/// What the host's log says of a run: who, what, with what result.
struct RunLine: LogLine {
    let request: RunRequest
    let counts: [ResourceReport.Outcome: Int]
    let failedHandlers: Int
    let stopped: String?
    let fault: AgentFault?

    /// `3 changed, 46 as declared, 1 failed`.
    var result: String {
        if let fault { return "\(fault.code): \(fault.text)" }
        var parts = ResourceReport.Outcome.allCases.compactMap { outcome in
            counts[outcome].map {
                "\($0) \(outcome.rawValue.split(separator: "_").joined(separator: " "))"
            }
        }
        if failedHandlers > 0 { parts.append("\(failedHandlers) handlers failed") }
        if let stopped { parts.append("stopped: \(stopped)") }
        return parts.isEmpty ? "nothing declared" : parts.joined(separator: ", ")
    }

    /// `apply of plan 7f3a91c2 by alice@ops1, run 42: 3 changed`.
    var message: String {
        "\(request.mode.rawValue) of plan \(request.plan.short) by \(request.requestedBy), "
            + "run \(request.runID): \(result)"
    }

    /// As syslog(3) numbers them: error, notice, info.
    var priority: Int {
        if fault != nil || counts[.failed] != nil || failedHandlers > 0 { return 3 }
        return counts[.changed] != nil ? 5 : 6
    }

    var fields: [(String, String)] {
        [
            ("MUSTER_RUN", request.runID), ("MUSTER_MODE", request.mode.rawValue),
            ("MUSTER_PLAN", request.plan.description),
            ("MUSTER_REQUESTED_BY", request.requestedBy), ("MUSTER_RESULT", result),
        ]
    }
}

/// The host's log: journald, or the syslog socket where journald is absent.
struct RunLog {
    private let journal: String
    private let syslog: String

    init(journal: String = "/run/systemd/journal/socket", syslog: String = "/dev/log") {
        self.journal = journal
        self.syslog = syslog
    }

    /// Writes one line; returns a notice if no log accepts it.
    func write(_ line: any LogLine) -> String? {
        if send(RunLog.journalEntry(line), to: journal) { return nil }
        // Facility 3, system daemons (RFC 3164).
        let text =
            "<\(3 << 3 | line.priority)>muster-agent[\(getpid())]: \(RunLog.plain(line.message))"
        if send(Array(text.utf8), to: syslog) { return nil }
        return "the run is not in the host's log: neither journald nor syslog accepted it"
    }

    private func send(_ bytes: [UInt8], to path: String) -> Bool {
        clinux_send_datagram(path, bytes, bytes.count) >= 0
    }

    /// The native protocol of journald: `NAME=value` lines.
    static func journalEntry(_ line: any LogLine) -> [UInt8] {
        let fields =
            [
                ("MESSAGE", line.message), ("PRIORITY", String(line.priority)),
                ("SYSLOG_IDENTIFIER", "muster-agent"),
            ] + line.fields
        return Array(fields.map { "\($0)=\(plain($1))\n" }.joined().utf8)
    }

    /// One line, since a newline would begin a field of its own.
    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    }
}
