import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Builds and installs the vendor's archive with its own scripts.
struct OnloadArchive {
    let declaration: OnloadDeclaration
    let host: Host
    private var machine: any Machine { host.machine }

    private static let folderName = "onload"
    static let uninstaller = "/usr/sbin/onload_uninstall"

    init(declaration: OnloadDeclaration, host: Host) {
        self.declaration = declaration
        self.host = host
    }

    /// Installs the archive in place of what an earlier archive installed.
    ///
    /// It is built before the old one is removed: an archive that does not build changes nothing.
    func install(over disk: OnloadDisk) throws(AgentFault) {
        guard let archive = declaration.archive else { return }
        let attempted = "install OpenOnload \(declaration.version)"
        let content = try host.content(archive.digest)
        try clear()
        let folder = try host.ownDirectory(Self.folderName)
        let path = "\(folder)/archive"
        try NewFile(path: path, content: content, mode: 0o600, uid: 0, gid: 0).put(on: machine)
        // What stays is in nobody's way; the next installation clears it.
        defer { try? clear() }
        try run("/usr/bin/tar", ["-xf", path, "-C", folder, "--no-same-owner"], attempted)
        let names = try attempt("list \(folder)") { () throws(SystemError) in
            try machine.list(folder)
        }
        guard let root = names.first(where: { $0 != "archive" }), names.count == 2 else {
            throw AgentFault(
                "wrong-archive", attempted,
                cause:
                    "the archive holds \(names.filter { $0 != "archive" }.joined(separator: ", ")), "
                    + "not one folder",
                hint:
                    "give the vendor's archive as it was downloaded: onload-\(declaration.version).tgz"
            )
        }
        let scripts = "\(folder)/\(root)/scripts"
        guard try OnloadDisk.isThere("\(scripts)/onload_install", on: machine) else {
            throw AgentFault(
                "wrong-archive", attempted, cause: "\(root) has no scripts/onload_install",
                hint:
                    "give the vendor's archive as it was downloaded: onload-\(declaration.version).tgz"
            )
        }
        try run("\(scripts)/onload_build", [], attempted)
        if disk.hasManifest { try uninstall() }
        try run("\(scripts)/onload_install", ["--nobuild"], attempted)
    }

    /// Removes what an archive installed; modules in memory stay.
    func uninstall() throws(AgentFault) {
        try run(Self.uninstaller, [], "uninstall OpenOnload")
    }

    private func clear() throws(AgentFault) {
        let folder = PathName.join(host.stateDirectory, Self.folderName)
        try run("/bin/rm", ["-rf", "--one-file-system", "--", folder], "clear \(folder)")
    }

    private func run(
        _ program: String, _ arguments: [String], _ attempted: String
    ) throws(AgentFault) {
        let result = try attempt(attempted) { () throws(SystemError) in
            // A build of all modules takes minutes.
            try machine.run(ProgramCall(program, arguments, timeoutSeconds: 1_800))
        }
        guard result.succeeded else {
            throw AgentFault(
                "archive-failed", attempted,
                cause: "\(PathName.last(of: program)) \(result.endText): "
                    + ProgramText.excerpt(of: result),
                hint: "it needs a compiler and the headers of the running kernel")
        }
    }
}
