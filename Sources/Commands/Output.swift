import Diagnostics
import FleetModel
import Glibc
import Linux
import Presentation
import Synchronization
import Views
import Wire

/// Where text goes: data to stdout, everything else to stderr.
///
/// The only writer in the program.
package final class Output: Sendable {
    /// Emphasis for stdout.
    let style: Style
    private let errorStyle: Style
    private let progress: Mutex<ProgressLine>

    /// - Parameters:
    ///   - allowsColour: false with `--no-color`; NO_COLOR, and an output that is not a terminal,
    ///     also turn colour off.
    ///   - isVerbose: whether a line of progress is written for each host.
    init(allowsColour: Bool, isVerbose: Bool) {
        let forbidden = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let allowed = allowsColour && !forbidden
        style = Style(usesColour: allowed && isatty(1) == 1)
        errorStyle = Style(usesColour: allowed && isatty(2) == 1)
        let terminal = isatty(2) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
        progress = Mutex(ProgressLine(isTerminal: terminal, isVerbose: isVerbose))
    }

    /// Writes data.
    func data(_ text: String) { Self.write(text, to: 1) }

    /// Writes a JSON form: indented for `json`, one line for `jsonl`.
    func data(_ json: JSON, format: String) {
        data((format == "jsonl" ? json.canonicalText : json.indentedText) + "\n")
    }

    /// Writes a remark for people.
    func remark(_ text: String) { Self.write(text + "\n", to: 2) }

    /// Writes a question without a newline: the answer is typed on the same line.
    func question(_ text: String) { Self.write(text, to: 2) }

    /// Writes faults and warnings, as text or as JSON lines.
    func diagnostics(_ all: [Diagnostic], format: String) {
        for diagnostic in all {
            if format == "text" {
                Self.write(coloured(diagnostic.text) + "\n", to: 2)
            } else {
                Self.write(diagnostic.json.canonicalText + "\n", to: 2)
            }
        }
    }

    /// Shows the progress of a run.
    func event(_ event: RunEvent) {
        let text = progress.withLock { $0.take(event, at: Clock.monotonicSeconds()) }
        if !text.isEmpty { Self.write(text, to: 2) }
    }

    private func coloured(_ text: String) -> String {
        guard let colon = text.firstRange(of: "error: ") else { return text }
        return text[..<colon.lowerBound] + errorStyle("error", .bad) + ": "
            + text[colon.upperBound...]
    }

    /// Writes the whole text; a reader that has closed the pipe (`| head`) is not an error.
    private static func write(_ text: String, to number: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let n = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            if n < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN {
                    var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, 1_000)
                    continue
                }
                return
            }
            rest = rest.dropFirst(n)
        }
    }
}
