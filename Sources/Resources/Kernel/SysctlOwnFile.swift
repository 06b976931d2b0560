import Kinds
import Linux

/// The file of /etc/sysctl.d that holds declared parameters, one line each.
///
/// Lines of other keys stay as they are: an orphan is listed, never removed unasked.
enum SysctlOwnFile {
    private static let header = [
        "# Kernel parameters declared to muster, one line each.",
        "# A line whose key is declared is put back; others are left alone.",
    ]

    /// The content with the key's one line in place: where the key was last, else at the end.
    static func setting(_ key: SysctlKey, to value: String, in text: String?) -> String {
        let line = "\(key.dotted) = \(value)"
        var lines = (text ?? header.joined(separator: "\n")).rawLines.map(String.init)
        let places = indices(of: key, in: lines)
        guard let last = places.last else { return join(lines + [line]) }
        lines[last] = line
        for index in places.dropLast().reversed() { lines.remove(at: index) }
        return join(lines)
    }

    /// The content without lines of the key; nil where nothing but our header would be left.
    static func removing(_ key: SysctlKey, from text: String) -> String? {
        var lines = text.rawLines.map(String.init)
        for index in indices(of: key, in: lines).reversed() { lines.remove(at: index) }
        return lines.allSatisfy { $0.isEmpty || header.contains($0) } ? nil : join(lines)
    }

    private static func indices(of key: SysctlKey, in lines: [String]) -> [Int] {
        lines.indices.filter { index in
            SysctlFiles.parse(lines[index], path: "").contains { $0.key == key }
        }
    }

    private static func join(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }
}
