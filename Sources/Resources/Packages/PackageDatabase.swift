import FleetModel
import Linux
import SystemFaults

/// The requested packages that are installed on a host, from dpkg's database or rpm's.
struct PackageDatabase: Sendable {
    let manager: PackageManager
    /// Whether the package manager was killed while it worked.
    let wasInterrupted: Bool
    /// Whether a package can be held: dnf needs a plugin for it.
    let canHold: Bool
    private let entries: [String: PackageEntry]

    /// Reads the packages of these names, with or without `:ARCHITECTURE`.
    ///
    /// A host with dpkg counts as Debian even if rpm is installed on it as a tool.
    init(of names: [String], on machine: any Machine) throws(AgentFault) {
        do throws(AgentFault) {
            let dpkg = try DpkgDatabase(of: names, on: machine)
            manager = .apt
            wasInterrupted = dpkg.wasInterrupted
            canHold = true
            entries = Dictionary(
                names.compactMap { name in dpkg.entry(name).map { (name, PackageEntry($0)) } },
                uniquingKeysWith: { first, _ in first })
        } catch {
            guard error.code == "no-dpkg" else { throw error }
            guard try Self.hasRPM(on: machine) else {
                throw AgentFault(
                    "no-packages", error.attempted,
                    cause: "there is neither \(DpkgDatabase.statusPath) nor \(RPMDatabase.program)",
                    hint: "packages need a host with apt or dnf")
            }
            let locks = try VersionLock(on: machine)
            manager = .dnf
            wasInterrupted = false
            canHold = locks.isThere
            entries = try RPMDatabase.read(names, locks, on: machine)
        }
    }

    private static func hasRPM(on machine: any Machine) throws(AgentFault) -> Bool {
        try attempt("look for \(RPMDatabase.program)") { () throws(SystemError) in
            try machine.statusIfPresent(RPMDatabase.program, followLinks: true) != nil
        }
    }

    /// The package of that name; nil where the database does not know it.
    func entry(_ name: String) -> PackageEntry? { entries[name] }
}
