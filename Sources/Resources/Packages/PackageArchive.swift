import FleetModel
import Kinds
import Linux
import SystemFaults

/// A package file of the plan, on the host only while it is installed.
enum PackageArchive {
    /// Puts it where the package manager can read it, and takes it away afterwards.
    static func with(
        _ archive: ResolvedContent, suffix: String, _ attempted: String, on host: Host,
        _ body: (String) throws(AgentFault) -> Void
    ) throws(AgentFault) {
        let machine = host.machine
        let content = try host.content(archive.digest)
        // Private, so that nobody can swap it.
        let directory = try host.ownDirectory("packages")
        let path = "\(directory)/\(archive.digest).\(suffix)"
        try attempt("empty \(directory)") { () throws(SystemError) in
            for old in try machine.list(directory) {
                try machine.remove(PathName.join(directory, old))
            }
        }
        try NewFile(path: path, content: content, mode: 0o600, uid: 0, gid: 0).put(on: machine)
        // A copy that cannot be removed is in nobody's way; the next installation removes it.
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
            cause: "no repository of the host has version \(version); there is "
                + offered.prefix(10).joined(separator: ", "),
            hint: hint)
    }

    static func wrongArchive(_ attempted: String, _ found: String) -> AgentFault {
        AgentFault(
            "wrong-archive", attempted, cause: "the file is \(found)",
            hint: "correct the name and version in the role, or its file")
    }
}
