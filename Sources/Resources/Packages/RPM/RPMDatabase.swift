import FleetModel
import Kinds
import Linux

/// The packages that rpm knows, read with one call of rpm(8).
enum RPMDatabase {
    static let program = "/usr/bin/rpm"
    /// To rpm, an epoch of 0 is the same as none; a 0 is dropped when the output is read.
    static let format =
        "%{NAME}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\n"

    /// One package as rpm reports it.
    struct Found: Equatable {
        var name: String
        var version: String
        var architecture: String
        /// Seconds since 1970.
        var installed: Int
    }

    static func read(
        _ names: [String], _ locks: VersionLock, on machine: any Machine
    ) throws(AgentFault) -> [String: PackageEntry] {
        if names.isEmpty { return [:] }
        // The architecture of the package rpm is the host's.
        let questions = Set(names.map { split($0) }.map(question) + ["rpm"]).sorted()
        let result = try run(
            ["-q", "--qf", format, "--"] + questions, attempted: "read the installed packages",
            on: machine)
        let found = try parse(result, questions)
        let native = found.first { $0.name == "rpm" }?.architecture
        var entries: [String: PackageEntry] = [:]
        for name in names {
            let (package, architecture) = split(name)
            let architectures = architecture.map { [$0] } ?? native.map { [$0, "noarch"] }
            // Of several versions the newest counts: dnf upgrades it, and the next boot uses it.
            let versions = found.filter {
                $0.name == package && architectures?.contains($0.architecture) ?? true
            }.sorted { RPMVersion.compare($0.version, $1.version) > 0 }
            guard let newest = versions.first else { continue }
            var entry = PackageEntry(version: newest.version, isInstalled: true)
            entry.besides = versions.map(\.version).filter { $0 != newest.version }
            entry.isHeld = locks.holds(package)
            entry.staleLock = locks.staleLock(
                package, at: newest.version, newest.architecture)
            entries[name] = entry
        }
        return entries
    }

    /// Runs rpm; a status other than 0 is for the caller to judge.
    static func run(
        _ arguments: [String], attempted: String, on machine: any Machine
    ) throws(AgentFault) -> ProgramResult {
        do throws(SystemError) {
            return try machine.run(ProgramCall(program, arguments))
        } catch {
            throw AgentFault("no-rpm", attempted, cause: error.description, hint: error.hint)
        }
    }

    /// Reads rpm's answer, which must name every package that was asked for.
    ///
    /// The exit status only counts packages that are not installed. If rpm cannot read its
    /// database, it treats it as empty, and only the error output says so.
    private static func parse(
        _ result: ProgramResult, _ questions: [String]
    ) throws(AgentFault) -> [Found] {
        var found: [Found] = []
        var answered: Set<String> = []
        for line in result.outputText.filledLines {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            if fields.count == 4, let time = Int(fields[3]) {
                let package = Found(
                    name: String(fields[0]), version: withoutZero(fields[1]),
                    architecture: String(fields[2]), installed: time)
                found.append(package)
                answered.formUnion([package.name, "\(package.name).\(package.architecture)"])
            } else if line.hasPrefix("package "), line.hasSuffix(" is not installed") {
                answered.insert(String(line.dropFirst(8).dropLast(17)))
            }
        }
        let errors = Excerpt.lines(of: result.errorText, most: 4)
        guard errors.isEmpty, answered.isSuperset(of: questions) else {
            let said =
                errors.isEmpty ? "it does not mention a package" : errors.joined(separator: "; ")
            throw AgentFault(
                "rpm-failed", "read the installed packages",
                cause: "rpm \(result.endText): \(said)",
                hint: "run `rpm -qa` as root on the host; `rpm --rebuilddb` repairs the database"
            )
        }
        return found
    }

    private static func withoutZero(_ version: Substring) -> String {
        String(version.hasPrefix("0:") ? version.dropFirst(2) : version)
    }

    static func split(_ name: String) -> (package: String, architecture: String?) {
        let parts = name.split(separator: ":", maxSplits: 1)
        return (parts.first.map(String.init) ?? "", parts.count > 1 ? String(parts[1]) : nil)
    }

    /// As rpm and dnf write a package of an architecture: `glibc.i686`.
    static func question(_ name: (package: String, architecture: String?)) -> String {
        name.package + (name.architecture.map { ".\($0)" } ?? "")
    }
}
