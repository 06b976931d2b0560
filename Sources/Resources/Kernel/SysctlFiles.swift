import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// What the files of sysctl.d set at boot, read as systemd-sysctl of systemd 252 reads them.
///
/// Files of one name count once, from the directory named first; all are taken in the order of their
/// names' bytes (sysctl.d(5), `parse_file` and `apply_all` in systemd's sysctl.c). A key set again
/// to another value moves to the end; set again to the same value it keeps its place. Patterns are
/// applied in that order, to keys that no line names.
package struct SysctlFiles: Sendable {
    package struct Setting: Sendable, Equatable {
        package var key: SysctlKey
        /// Nil for an exclusion, a line `-key` without `=`.
        package var value: String?
        package var path: String
        package var line: Int

        /// `/etc/sysctl.d/99-vendor.conf:3`.
        package var source: String { "\(path):\(line)" }
    }

    /// The directories, first counts most.
    ///
    /// `/lib` is one of its own where it is not linked to /usr.
    package static let directories = [
        "/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
        "/lib/sysctl.d",
    ]

    /// The files that count, in the order they are read, with their content.
    package private(set) var files: [(path: String, text: String)] = []
    private var order: [Setting] = []
    private var named: [SysctlKey: Setting] = [:]

    /// Reads all files of a machine.
    package init(on machine: any Machine) throws(AgentFault) {
        var paths: [String: String] = [:]
        for directory in SysctlFiles.directories {
            let names = try attempt("list \(directory)") { () throws(SystemError) in
                try machine.listIfPresent(directory)
            }
            for name in names where name.hasSuffix(".conf") && !name.hasPrefix(".") {
                if paths[name] == nil { paths[name] = directory + "/" + name }
            }
        }
        let names = paths.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for path in names.compactMap({ paths[$0] }) {
            files.append((path, try SysctlFiles.text(of: path, on: machine)))
        }
        parseAll()
    }

    /// The files as they would be with another content at one path of `/etc/sysctl.d`.
    package func with(_ text: String, at path: String) -> SysctlFiles {
        var copy = self
        let name = PathName.last(of: path)
        copy.files.removeAll { PathName.last(of: $0.path) == name }
        copy.files.append((path, text))
        copy.files.sort {
            PathName.last(of: $0.path).utf8.lexicographicallyPrecedes(
                PathName.last(of: $1.path).utf8)
        }
        copy.parseAll()
        return copy
    }

    /// What the next boot sets a key to, and the line that says so; nil where nothing does.
    package func effective(_ key: SysctlKey) -> Setting? {
        if let setting = named[key] { return setting.value == nil ? nil : setting }
        return order.last { $0.value != nil && $0.key.isGlob && SysctlFiles.matches($0.key, key) }
    }

    /// The line that keeps a key from being set; nil where none does.
    package func exclusion(of key: SysctlKey) -> Setting? {
        named[key].flatMap { $0.value == nil ? $0 : nil }
    }

    /// A masking link to nowhere or to /dev/null reads as empty.
    private static func text(of path: String, on machine: any Machine) throws(AgentFault) -> String
    {
        do {
            return try machine.textIfPresent(path, limit: 4 << 20) ?? ""
        } catch {
            if error.code == EISDIR { return "" }
            throw AgentFault("read \(path)", error)
        }
    }

    private mutating func parseAll() {
        order = []
        named = [:]
        for (path, text) in files {
            for setting in SysctlFiles.parse(text, path: path) { add(setting) }
        }
    }

    private mutating func add(_ setting: Setting) {
        if let existing = named[setting.key] {
            if existing.value == setting.value { return }
            order.removeAll { $0.key == setting.key }
        }
        named[setting.key] = setting
        order.append(setting)
    }

    /// The settings of one file, one for each line that is one.
    package static func parse(_ text: String, path: String) -> [Setting] {
        var settings: [Setting] = []
        for (index, line) in text.lines.enumerated() {
            guard let (key, value) = parse(line: trimmed(Array(line.utf8)[...])) else { continue }
            settings.append(Setting(key: key, value: value, path: path, line: index + 1))
        }
        return settings
    }

    private static func parse(line: ArraySlice<UInt8>) -> (key: SysctlKey, value: String?)? {
        let minus = UInt8(ascii: "-")
        guard let first = line.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
            return nil
        }
        var name = line
        var value: String?
        if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
            value = String(decoding: trimmed(line[(equals + 1)...]), as: UTF8.self)
            name = line[..<equals]
        } else if first != minus {
            return nil
        }
        if name.first == minus { name = name.dropFirst() }
        let key = SysctlKey(String(decoding: trimmed(name), as: UTF8.self))
        return key.path.isEmpty ? nil : (key, value)
    }

    /// Without what systemd takes for white space at both ends.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == 32 || byte == 9 || byte == 10 || byte == 13 }
        let tail = bytes.drop(while: isSpace)
        guard let last = tail.lastIndex(where: { !isSpace($0) }) else { return [] }
        return tail[...last]
    }

    /// Whether the pattern, expanded as glob(3) with GLOB_BRACE does, gives the key.
    private static func matches(_ pattern: SysctlKey, _ key: SysctlKey) -> Bool {
        braceExpansions(of: pattern.path).contains {
            fnmatch($0, key.path, FNM_PATHNAME | FNM_PERIOD) == 0
        }
    }

    /// The alternatives of `{a,b}`, nested too; at most 256, since a file is not ours to trust.
    private static func braceExpansions(of pattern: String) -> [String] {
        var done: [String] = []
        var left = [pattern]
        while let next = left.popLast(), done.count + left.count < 256 {
            guard let parts = firstBraces(of: next) else {
                done.append(next)
                continue
            }
            left += parts.alternatives.map { parts.head + $0 + parts.tail }
        }
        return done
    }

    private static func firstBraces(
        of pattern: String
    ) -> (head: String, alternatives: [String], tail: String)? {
        guard let open = pattern.firstIndex(of: "{") else { return nil }
        var depth = 0
        var alternatives = [""]
        var index = open
        while index < pattern.endIndex {
            let character = pattern[index]
            if character == "{" { depth += 1 }
            if character == "}" { depth -= 1 }
            if depth == 0 {
                let tail = String(pattern[pattern.index(after: index)...])
                return (String(pattern[..<open]), alternatives, tail)
            }
            if character == "," && depth == 1 {
                alternatives.append("")
            } else if index != open {
                alternatives[alternatives.count - 1].append(character)
            }
            index = pattern.index(after: index)
        }
        return nil
    }
}
