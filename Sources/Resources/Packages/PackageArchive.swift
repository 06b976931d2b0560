import FleetModel
import Kinds
import Linux
import SystemFaults

/// A package file from the plan, which is on the host only while it is being installed.
enum PackageArchive {
    /// Puts the file where the package manager can read it, and removes it afterwards.
    static func with(
        _ archive: ResolvedContent, suffix: String, _ attempted: String, on host: Host,
        _ body: (String) throws(AgentFault) -> Void
    ) throws(AgentFault) {
        let machine = host.machine
        let content = try host.content(archive.digest)
        // A private directory, so that no other user can replace the file.
        let directory = try host.ownDirectory("packages")
        let path = "\(directory)/\(archive.digest).\(suffix)"
        try attempt("empty \(directory)") { () throws(SystemError) in
            for old in try machine.list(directory) {
                try machine.remove(PathName.join(directory, old))
            }
        }
        try NewFile(path: path, content: content, mode: 0o600, uid: 0, gid: 0).put(on: machine)
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
