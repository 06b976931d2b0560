/// Lines of files and of what programs print, split at LF as bytes (getline(3)).
///
/// In Swift `\r\n` is one Character, so that text whose lines end with CR LF does not split at `\n`.
/// This is the one place that splits text of a host into lines; a house test holds that.
extension StringProtocol {
    /// The lines without what ends them, be it LF or CR LF; what follows the last LF is a line only
    /// where it holds something.
    package var lines: [Substring] {
        rawLines.map {
            $0.utf8.last == UInt8(ascii: "\r") ? Substring($0.unicodeScalars.dropLast()) : $0
        }
    }

    /// The lines that hold something.
    package var filledLines: [Substring] { lines.filter { !$0.isEmpty } }

    /// The lines without their LF, a CR before it kept.
    ///
    /// For who writes them back, each with LF: a line that is not touched keeps its ending.
    package var rawLines: [Substring] {
        let whole = Substring(self)
        var pieces = whole.utf8.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if pieces.last?.isEmpty == true { pieces.removeLast() }
        return pieces.map { Substring($0) }
    }
}
