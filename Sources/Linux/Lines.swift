/// Lines of files and of program output, split at LF as bytes (getline(3)).
///
/// In Swift `\r\n` is one Character, so text with CR LF line ends does not split at `\n`. Only this
/// file splits a host's text into lines; a house test enforces that.
extension StringProtocol {
    /// The lines without their LF or CR LF; text after the last LF is a line only if it is not
    /// empty.
    package var lines: [Substring] {
        rawLines.map {
            $0.utf8.last == UInt8(ascii: "\r") ? Substring($0.unicodeScalars.dropLast()) : $0
        }
    }

    /// The lines that are not empty.
    package var filledLines: [Substring] { lines.filter { !$0.isEmpty } }

    /// The lines without their LF, a CR before it kept.
    ///
    /// For callers that write the lines back, each with LF: an unchanged line keeps its ending.
    package var rawLines: [Substring] {
        let whole = Substring(self)
        var pieces = whole.utf8.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if pieces.last?.isEmpty == true { pieces.removeLast() }
        return pieces.map { Substring($0) }
    }
}
