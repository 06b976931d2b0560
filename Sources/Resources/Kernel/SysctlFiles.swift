import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// The settings in sysctl.d that apply at boot, read as by systemd-sysctl of systemd 252.
///
/// Of files with the same name, only the one in the first directory counts. Files are read in the
/// byte order of their names (sysctl.d(5), `parse_file` and `apply_all` in systemd's sysctl.c). If
/// a later line sets a key to another value, the key moves to the end; with the same value, it
/// keeps its place. Patterns are applied in that order, to keys that no line names.
package struct SysctlFiles: Sendable {
    package struct Setting: Sendable, Equatable {
        package var key: SysctlKey
        /// Nil for an exclusion, a line `-key` without `=`.
        package var value: String?
        package var path: String
        package var line: Int

        /// The file and line: `/etc/sysctl.d/99-vendor.conf:3`.
        package var source: String { "\(path):\(line)" }
    }

    /// The directories, the one with the highest priority first.
    ///
    /// `/lib` is a directory of its own only where it is not a symlink to /usr/lib.
    package static let directories = [
        "/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
        "/lib/sysctl.d",
    ]

    /// The effective files with their content, in the order in which they are read.
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

    /// The result of replacing the content of one file in `/etc/sysctl.d`.
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

    /// The setting that the next boot applies to a key; nil if there is none.
    package func effective(_ key: SysctlKey) -> Setting? {
        if let setting = named[key] { return setting.value == nil ? nil : setting }
        return order.last { $0.value != nil && $0.key.isGlob && SysctlFiles.matches($0.key, key) }
    }

    /// The line that excludes a key from being set; nil if there is none.
    package func exclusion(of key: SysctlKey) -> Setting? {
        named[key].flatMap { $0.value == nil ? $0 : nil }
    }

    /// The text of a file; empty for a symlink to /dev/null or to a missing file.
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

    /// The settings in one file, in the order of its lines.
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

    /// Removes what systemd treats as white space at both ends.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == 32 || byte == 9 || byte == 10 || byte == 13 }
        let tail = bytes.drop(while: isSpace)
        guard let last = tail.lastIndex(where: { !isSpace($0) }) else { return [] }
        return tail[...last]
    }

    /// Whether a pattern matches the key, as in glob(3) with GLOB_BRACE.
    private static func matches(_ pattern: SysctlKey, _ key: SysctlKey) -> Bool {
        braceExpansions(of: pattern.path).contains {
            fnmatch($0, key.path, FNM_PATHNAME | FNM_PERIOD) == 0
        }
    }

    /// The expansions of `{a,b}`, also nested; at most 256, because the file is not trusted.
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
