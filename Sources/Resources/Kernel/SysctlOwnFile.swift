import Kinds
import Linux

/// The file of /etc/sysctl.d that holds declared parameters, one line each.
///
/// Lines of other keys stay as they are: an orphan is listed, never removed unasked.
struct SysctlOwnFile {
    private static let header = [
        "# Kernel parameters declared to muster, one line each.",
        "# A line whose key is declared is put back; others are left alone.",
    ]

    /// Each line with the key that it sets; nil for comments and the like.
    private var lines: [(text: String, key: SysctlKey?)]
    private let isThere: Bool
    private var hasRemoved = false

    /// Takes the text found; nil where there is no file.
    init(_ text: String?) {
        isThere = text != nil
        lines = (text ?? "").rawLines.map { line in
            (String(line), SysctlFiles.parse(String(line), path: "").first?.key)
        }
    }

    /// Puts the key's one line in place: where the key was last, else at the end.
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

    /// Takes lines of the key away.
    mutating func remove(_ key: SysctlKey) {
        let count = lines.count
        lines.removeAll { $0.key == key }
        if lines.count < count { hasRemoved = true }
    }

    /// The content; nil where there is none, or where nothing but our header is left of it.
    var text: String? {
        let isEmpty = lines.allSatisfy { $0.text.isEmpty || Self.header.contains($0.text) }
        if isEmpty, hasRemoved || !isThere { return nil }
        return lines.map(\.text).joined(separator: "\n") + "\n"
    }
}
