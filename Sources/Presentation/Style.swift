/// Colours for a terminal; plain text elsewhere.
///
/// Every meaning that a colour has is also in the text.
package struct Style: Sendable {
    package enum Tone: String, Sendable {
        case good = "32", change = "33", bad = "31", quiet = "2", strong = "1"
    }

    private let usesColour: Bool

    package init(usesColour: Bool) { self.usesColour = usesColour }

    /// Plain text, without colours.
    package static let plain = Style(usesColour: false)

    /// The text in a tone.
    package func callAsFunction(_ text: String, _ tone: Tone) -> String {
        usesColour ? "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Durations and counts as people read them.
package enum Quantity {
    /// `0.3 ms`, `12 ms`, `2.1 s`, `3 min 20 s`.
    package static func duration(microseconds: Int) -> String {
        switch microseconds {
        case ..<10_000: return "\(tenths(microseconds, 1_000)) ms"
        case ..<1_000_000: return "\(microseconds / 1_000) ms"
        case ..<120_000_000: return "\(tenths(microseconds, 1_000_000)) s"
        default:
            let seconds = microseconds / 1_000_000
            return "\(seconds / 60) min \(seconds % 60) s"
        }
    }

    /// `1 host`, `3 hosts`.
    package static func count(_ number: Int, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    /// `412 KiB`, `14.2 MiB`.
    package static func bytes(_ count: Int) -> String {
        switch count {
        case ..<1_024: "\(count) bytes"
        case ..<1_048_576: "\(tenths(count, 1_024)) KiB"
        default: "\(tenths(count, 1_048_576)) MiB"
        }
    }

    private static func tenths(_ number: Int, _ unit: Int) -> String {
        let rounded = (number * 10 + unit / 2) / unit
        return "\(rounded / 10).\(rounded % 10)"
    }
}
