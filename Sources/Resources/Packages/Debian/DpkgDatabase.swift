import FleetModel
import Glibc
import Linux

/// One package as /var/lib/dpkg/status lists it.
package struct DpkgEntry: Sendable, Equatable {
    package var package: String
    package var architecture: String
    package var version: String
    /// The selection of the package: `install`, `hold`, `deinstall`, `purge`.
    package var want: String
    /// `ok`, or `reinstreq` after a failed installation.
    package var errorFlag: String
    /// How far it is installed: `installed`, `config-files`, `half-configured` and so on.
    package var status: String
    /// The paths of its configuration files, which only purging removes.
    package var configurationFiles: [String] = []

    /// Unpacked and configured.
    ///
    /// Triggers of other packages may still be pending.
    var isInstalled: Bool {
        ["installed", "triggers-awaited", "triggers-pending"].contains(status)
    }
    var isHeld: Bool { want == "hold" }
    /// Whether a dpkg that failed or was killed left the package incomplete.
    var isInterrupted: Bool {
        errorFlag != "ok" || ["half-installed", "unpacked", "half-configured"].contains(status)
    }
    var hasConfigurationFiles: Bool { status == "config-files" }
}

/// The database of installed packages, read without dpkg: only the packages asked for.
package struct DpkgDatabase: Sendable {
    static let statusPath = "/var/lib/dpkg/status"

    /// By name and architecture: `libc6:amd64`.
    private let entries: [String: DpkgEntry]
    private let nativeArchitecture: String?
    /// Whether dpkg was interrupted: its journal in `updates` was not merged yet.
    let wasInterrupted: Bool

    /// Reads the packages of these names (with or without `:ARCHITECTURE`) in one pass.
    package init(of names: [String], on machine: any Machine) throws(AgentFault) {
        let attempted = "read the installed packages"
        // The architecture of the package dpkg is the host's own.
        let wanted = Set(names.map { Self.split($0).package } + ["dpkg"])
        var scanner = DpkgStatusScanner(wanted: wanted)
        do throws(SystemError) {
            try machine.read(Self.statusPath) { scanner.add($0) }
            scanner.finish()
            wasInterrupted = try machine.listIfPresent("/var/lib/dpkg/updates").contains {
                $0.utf8.allSatisfy { (48...57).contains($0) }
            }
        } catch {
            throw AgentFault(
                error.isNotFound ? "no-dpkg" : "read-failed", attempted, cause: error.description,
                hint: error.isNotFound
                    ? "packages need a host with dpkg, such as Debian" : error.hint)
        }
        entries = Dictionary(
            scanner.entries.map { ("\($0.package):\($0.architecture)", $0) },
            uniquingKeysWith: { _, last in last })
        nativeArchitecture = scanner.entries.first { $0.package == "dpkg" }?.architecture
    }

    /// The package of that name; without an architecture, the host's own, or else `all`.
    package func entry(_ name: String) -> DpkgEntry? {
        let (package, architecture) = Self.split(name)
        let architectures = architecture.map { [$0] } ?? [nativeArchitecture ?? "", "all"]
        for architecture in architectures {
            if let entry = entries["\(package):\(architecture)"] { return entry }
        }
        return nil
    }

    private static func split(_ name: String) -> (package: String, architecture: String?) {
        let parts = name.split(separator: ":", maxSplits: 1)
        return (parts.first.map(String.init) ?? "", parts.count > 1 ? String(parts[1]) : nil)
    }
}

/// Picks the paragraphs of some packages out of a status file that arrives in pieces.
struct DpkgStatusScanner {
    private let wanted: Set<String>
    private var rest: [UInt8] = []
    private(set) var entries: [DpkgEntry] = []

    init(wanted: Set<String>) { self.wanted = wanted }

    mutating func add(_ piece: [UInt8]) {
        rest.append(contentsOf: piece)
        let done = rest.withUnsafeBytes { scan($0) }
        rest.removeFirst(done)
    }

    mutating func finish() {
        rest.append(contentsOf: [10, 10])
        _ = rest.withUnsafeBytes { scan($0) }
        rest = []
    }

    /// Reads all complete paragraphs and returns their length in bytes.
    private mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var start = 0
        var line = 0
        while line < bytes.count, let newline = memchr(base + line, 10, bytes.count - line) {
            let next = UnsafeRawPointer(newline) - base + 1
            // An empty line ends the paragraph.
            if next == line + 1 {
                if line > start { read(UnsafeRawBufferPointer(rebasing: bytes[start..<line])) }
                start = next
            }
            line = next
        }
        return start
    }

    private mutating func read(_ paragraph: UnsafeRawBufferPointer) {
        // The name comes first, so that most paragraphs are left after one line.
        let prefix = Array("Package: ".utf8)
        let first = paragraph.prefix { $0 != 10 }
        guard first.starts(with: prefix) else { return readWhole(paragraph) }
        let name = String(decoding: first.dropFirst(prefix.count), as: UTF8.self)
        if wanted.contains(name) { readWhole(paragraph) }
    }

    private mutating func readWhole(_ paragraph: UnsafeRawBufferPointer) {
        var fields: [String: String] = [:]
        for line in paragraph.split(separator: 10) where line.first != 32 && line.first != 9 {
            guard let colon = line.firstIndex(of: 58) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 32 }
            fields[String(decoding: line[..<colon], as: UTF8.self)] = String(
                decoding: value, as: UTF8.self)
        }
        let words = (fields["Status"] ?? "").split(separator: " ").map(String.init)
        guard let package = fields["Package"], wanted.contains(package), words.count == 3 else {
            return
        }
        entries.append(
            DpkgEntry(
                package: package, architecture: fields["Architecture"] ?? "",
                version: fields["Version"] ?? "", want: words[0], errorFlag: words[1],
                status: words[2], configurationFiles: Self.configurationFiles(in: paragraph)))
    }

    /// The paths below `Conffiles:`, where each line is a blank, a path and its digest.
    private static func configurationFiles(in paragraph: UnsafeRawBufferPointer) -> [String] {
        var paths: [String] = []
        var isWithin = false
        for line in paragraph.split(separator: 10) {
            guard line.first == 32 || line.first == 9 else {
                isWithin = line.starts(with: Array("Conffiles:".utf8))
                continue
            }
            guard isWithin, let path = line.split(separator: 32).first else { continue }
            paths.append(String(decoding: path, as: UTF8.self))
        }
        return paths
    }
}
