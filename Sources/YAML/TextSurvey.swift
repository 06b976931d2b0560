import Diagnostics

/// One pass over a text before libyaml reads it: finds characters that YAML forbids, and line ends
/// that only YAML treats as such.
struct TextSurvey {
    private(set) var faults: [Diagnostic] = []
    /// Whether the text has line ends other than `\n` and `\r\n`, which make libyaml's line numbers
    /// differ from those of other programs.
    private(set) var hasUnusualLineEnds = false
    let hasByteOrderMark: Bool

    init(_ source: SourceText) {
        var line = 1
        var column = 1
        var previous: Unicode.Scalar = "\n"
        let scalars = source.text.unicodeScalars
        hasByteOrderMark = scalars.first == "\u{FEFF}"
        for scalar in hasByteOrderMark ? scalars.dropFirst() : scalars[...] {
            if previous == "\r", scalar != "\n" { hasUnusualLineEnds = true }
            previous = scalar
            if scalar == "\n" {
                line += 1
                column = 1
                continue
            }
            switch scalar.value {
            case 0x20...0x7E, 0x09, 0x0D: break
            case 0x85, 0x2028, 0x2029: hasUnusualLineEnds = true
            case 0xA0...0xFEFE, 0xFF00...0xFFFD, 0x10000...: break
            default:
                if faults.count < 10 {
                    faults.append(
                        Self.fault(scalar, Place(source: source, line: line, column: column)))
                }
            }
            column += 1
        }
        if previous == "\r" { hasUnusualLineEnds = true }
    }

    private static func fault(_ scalar: Unicode.Scalar, _ place: Place) -> Diagnostic {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let number = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        if scalar.value == 0xFEFF {
            return Diagnostic(
                "yaml-character", "a byte-order mark (\(number)) inside the text", at: place,
                hint: "remove the invisible character; two files may have been joined")
        }
        return Diagnostic(
            "yaml-character", "the control character \(number)", at: place,
            cause: "YAML allows no control characters but tab and line end",
            hint: scalar.value == 0
                ? "the file looks binary; give a text file"
                : "remove it, or write it as an escape in double quotes (\"\\u\(number.dropFirst(2))\")"
        )
    }
}
