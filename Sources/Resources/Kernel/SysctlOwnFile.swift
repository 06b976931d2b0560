import Kinds
import Linux

/// The file in /etc/sysctl.d that holds declared parameters, one on each line.
///
/// Lines of other keys are kept: an orphan is listed, but never removed without being asked.
struct SysctlOwnFile {
    private static let header = [
        "# Kernel parameters declared to muster, one line each.",
        "# A line whose key is declared is put back; others are left alone.",
    ]

    /// Each line with the key that it sets; nil for comments and the like.
    private var lines: [(text: String, key: SysctlKey?)]
    private let isThere: Bool
    private var hasRemoved = false

    /// Parses the text of the file; nil if it does not exist.
    init(_ text: String?) {
        isThere = text != nil
        lines = (text ?? "").rawLines.map { line in
            (String(line), SysctlFiles.parse(String(line), path: "").first?.key)
        }
    }

    /// Writes the only line for the key: in the place of its last line, or at the end.
    mutating func set(_ key: SysctlKey, to value: String) {
        let line = (text: "\(key.dotted) = \(value)", key: Optional(key))
        guard let last = lines.lastIndex(where: { $0.key == key }) else {
            if !isThere, lines.isEmpty { lines = Self.header.map { ($0, nil) } }
            lines.append(line)
            return
        }
        lines[last] = line
        let others = lines[..<last].indices.filter { lines[$0].key == key }
        for index in others.reversed() { lines.remove(at: index) }
    }

    /// Removes all lines of the key.
    mutating func remove(_ key: SysctlKey) {
        let count = lines.count
        lines.removeAll { $0.key == key }
        if lines.count < count { hasRemoved = true }
    }

    /// The new content; nil if there must be no file, because only our header would be left.
    var text: String? {
        let isEmpty = lines.allSatisfy { $0.text.isEmpty || Self.header.contains($0.text) }
        if isEmpty, hasRemoved || !isThere { return nil }
        return lines.map(\.text).joined(separator: "\n") + "\n"
    }
}
