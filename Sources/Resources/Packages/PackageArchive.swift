import FleetModel
import Kinds
import Linux
import SystemFaults

/// A package file from the plan, which is on the host only while it is being installed.
enum PackageArchive {
    /// A private directory, so that no other user can replace the file.
    private static let directory = "/var/lib/muster/packages"

    /// Puts the file where the package manager can read it, and removes it afterwards.
    static func with(
        _ archive: ResolvedContent, suffix: String, _ attempted: String, on host: Host,
        _ body: (String) throws(AgentFault) -> Void
    ) throws(AgentFault) {
        let machine = host.machine
        let content = try host.blob(archive.digest)
        let path = "\(directory)/\(archive.digest).\(suffix)"
        try attempt("write \(path)") { () throws(SystemError) in
            for folder in ["/var/lib/muster", directory]
            where try machine.statusIfPresent(folder) == nil {
                try machine.makeDirectory(folder, mode: 0o700, uid: 0, gid: 0)
            }
            for old in try machine.list(directory) {
                try machine.remove(PathName.join(directory, old))
            }
            try machine.replaceFile(path, content: content, mode: 0o600, uid: 0, gid: 0)
        }
        // A copy that cannot be removed does no harm; the next installation removes it.
        defer { try? machine.remove(path) }
        try body(path)
    }
}

extension PackageDeclaration {
    /// What is attempted, for messages: `install tree 2.1.0-1`.
    var installation: String { "install \(name)" + (version.map { " \($0)" } ?? "") }
}

extension AgentFault {
    /// No repository has the package, or not at the version declared; `hint` says how to list them.
    static func notOffered(
        _ declaration: PackageDeclaration, _ offered: [String], _ attempted: String, hint: String
    ) -> AgentFault {
        guard let version = declaration.version, !offered.isEmpty else {
            return AgentFault(
                "no-package", attempted,
                cause: "no repository of the host has a package \(declaration.name)",
                hint: "declare its package_repository, or correct the name")
        }
        return AgentFault(
            "no-version", attempted,
            cause: "no repository of the host has version \(version); they have "
                + offered.prefix(10).joined(separator: ", "),
            hint: hint)
    }

    static func wrongArchive(_ attempted: String, _ found: String) -> AgentFault {
        AgentFault(
            "wrong-archive", attempted, cause: "the file is \(found)",
            hint: "correct the name and version in the role, or its file")
    }
}
