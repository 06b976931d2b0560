import Kinds
import Linux

/// One file in `loader/entries`, with a key and a value on each line.
struct BootEntry {
    let path: String
    let text: String

    /// The file's name without `.conf`.
    var id: String {
        let name = PathName.last(of: path)
        return name.hasSuffix(".conf") ? String(name.dropLast(5)) : name
    }

    /// The kernel's version from the entry, or else the entry's id.
    var version: String { field("version") ?? id }

    private var lines: [Substring] { text.rawLines }

    /// The first value of a key; nil if the entry does not have the key.
    func field(_ key: String) -> String? { values(key).first }

    private func values(_ key: String) -> [String] {
        lines.compactMap { BootEntry.value(of: $0, key) }
    }

    private static func value(of line: Substring, _ key: String) -> String? {
        let parts = line.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "\t" })
        guard parts.count == 2, parts[0] == key else { return nil }
        return parts[1].trimmingSpaces()
    }

    /// The kernel's parameters: all `options` lines together, with GRUB's variables replaced.
    func parameters(_ environment: [String: String]) -> [KernelParameter] {
        let line = values("options").joined(separator: " ")
        return KernelParameter.split(line).flatMap { parameter -> [KernelParameter] in
            guard parameter.text.hasPrefix("$") else { return [parameter] }
            return KernelParameter.split(environment[String(parameter.text.dropFirst())] ?? "")
        }
    }

    /// The text with edited options: one line, in the place of the first, holds all of them.
    func replacingOptions(_ edit: (String) -> String) -> String {
        let old = values("options").joined(separator: " ")
        let new = edit(old)
        if new == old { return text }
        var isDone = false
        var result: [Substring] = []
        for line in lines {
            guard BootEntry.value(of: line, "options") != nil else {
                result.append(line)
                continue
            }
            if !isDone { result.append("options \(new)") }
            isDone = true
        }
        if !isDone { result.append("options \(new)") }
        return result.map { $0 + "\n" }.joined()
    }
}
