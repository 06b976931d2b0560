import FleetModel
import Glibc
import Linux
import SystemFaults

/// The packages that dnf's versionlock plugin keeps at their version (dnf-versionlock(8)).
struct VersionLock: Sendable {
    private static let configuration = "/etc/dnf/plugins/versionlock.conf"

    /// Whether the plugin is installed and enabled.
    private(set) var isThere = false
    /// The path of the file that lists the locks.
    private(set) var path = "/etc/dnf/plugins/versionlock.list"
    private var lines: [String] = []

    init(on machine: any Machine) throws(AgentFault) {
        guard let text = try machine.readText(Self.configuration) else { return }
        let settings = IniFile(text)
        isThere = ["1", "true", "yes", "on"].contains(
            settings["main", "enabled"]?.lowercased() ?? "1")
        if let path = settings["main", "locklist"] { self.path = path }
        guard isThere else { return }
        lines = (try machine.readText(path) ?? "").rawLines.map(String.init)
    }

    /// Whether a lock, exact or by pattern, applies to the package of that name.
    func holds(_ package: String) -> Bool { !locks(of: package).isEmpty }

    /// A lock of the package on another version than this, left from before; nil where none is.
    func staleLock(_ package: String, at version: String, _ architecture: String) -> String? {
        let exact = version.utf8.contains(58) ? version : "0:\(version)"
        let bare = version.split(separator: ":").last.map(String.init) ?? version
        let names =
            [package]
            + [exact, bare].flatMap { version in
                ["", ".\(architecture)"].map { "\(package)-\(version)\($0)" }
            }
        let locks = locks(of: package)
        let isRight = locks.contains { lock in names.contains { fnmatch(lock, $0, 0) == 0 } }
        return isRight ? nil : locks.first
    }

    private func locks(of package: String) -> [String] {
        lines.map { $0.trimmingSpaces() }.filter { line in
            Self.name(in: line).map { fnmatch($0, package, 0) == 0 } ?? false
        }
    }

    /// The name in `NAME-EPOCH:VERSION-RELEASE.ARCHITECTURE`; nil for a comment and for `!`.
    ///
    /// A line with `!` excludes a version and locks nothing.
    private static func name(in line: String) -> String? {
        let line = line.trimmingSpaces()
        if line.isEmpty || line.hasPrefix("#") || line.hasPrefix("!") { return nil }
        let parts = line.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 2, let first = parts[parts.count - 2].utf8.first,
            (48...57).contains(first) || first == 42
        else { return line }
        return parts.dropLast(2).joined(separator: "-")
    }

    /// Locks each package at its version, or unlocks it where the version is nil.
    ///
    /// Locks that others made with patterns stay.
    func set(
        _ versions: [(package: String, version: String?)], on machine: any Machine
    ) throws(AgentFault) {
        var lines = lines
        for (package, version) in versions {
            lines.removeAll { Self.name(in: $0) == package }
            guard let version else { continue }
            let hasEpoch = version.utf8.contains(58)
            lines.append("\(package)-\(hasEpoch ? "" : "0:")\(version).*")
        }
        if lines == self.lines { return }
        try NewFile.keep(path, lines.map { $0 + "\n" }.joined(), on: machine)
    }
}
