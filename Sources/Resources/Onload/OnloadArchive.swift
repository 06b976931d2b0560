import FleetModel
import Kinds
import Linux
import Wire

/// Builds and installs the vendor's archive by its own scripts.
struct OnloadArchive {
    let declaration: OnloadDeclaration
    let host: Host
    private var machine: any Machine { host.machine }

    private static let folder = "/var/lib/muster/onload"
    static let uninstaller = "/usr/sbin/onload_uninstall"

    init(declaration: OnloadDeclaration, host: Host) {
        self.declaration = declaration
        self.host = host
    }

    /// Installs it in place of what an archive installed before.
    ///
    /// Built before the old one goes: an archive that does not build changes nothing.
    func install(over disk: OnloadDisk) throws(AgentFault) {
        guard let archive = declaration.archive else { return }
        let attempted = "install OpenOnload \(declaration.version)"
        let content = try host.blob(archive.digest)
        let path = "\(Self.folder)/archive"
        try clear()
        try attempt("write \(path)") { () throws(SystemError) in
            for folder in ["/var/lib/muster", Self.folder]
            where try machine.statusIfPresent(folder) == nil {
                try machine.makeDirectory(folder, mode: 0o700, uid: 0, gid: 0)
            }
            try machine.replaceFile(path, content: content, mode: 0o600, uid: 0, gid: 0)
        }
        defer { try? clear() }
        try run("/usr/bin/tar", ["-xf", path, "-C", Self.folder, "--no-same-owner"], attempted)
        let names = try attempt("list \(Self.folder)") { () throws(SystemError) in
            try machine.list(Self.folder)
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
        let scripts = "\(Self.folder)/\(root)/scripts"
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
        try run("/bin/rm", ["-rf", "--one-file-system", "--", Self.folder], "clear \(Self.folder)")
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

/// An OpenOnload that is to be absent: modules out, archive uninstalled, our files gone.
enum OnloadRemoval {
    static func diff(_ observation: OnloadBehaviour.Observation) -> Difference {
        var changes: [Change] = []
        if observation.disk.hasManifest {
            changes.append(
                Change(
                    "version", layer: .onDisk,
                    before: .optional(observation.disk.banner?.version.text),
                    after: nil))
        }
        for path in files(observation) {
            changes.append(Change("state", before: .string(path), after: nil))
        }
        // sfc stays: it is the driver of the ports.
        for name in ["onload", "sfc_char", "sfc_resource"]
        where observation.running.modules[name] != nil {
            changes.append(
                Change(
                    "modules.\(name)", layer: .running,
                    before: .string(observation.runningLabel(name)), after: nil,
                    disruption: .moduleReload))
        }
        return changes.isEmpty
            ? .asDeclared("not loaded, and none of its files is ours") : .changes(changes)
    }

    private static func files(_ observation: OnloadBehaviour.Observation) -> [String] {
        let settings = observation.settings
        return [
            (OnloadDeclaration.optionsFile, settings.optionsText),
            (OnloadDeclaration.overrideFile, settings.overrideText),
            (OnloadDeclaration.loadFile, settings.loadText),
            (OnloadDeclaration.rulesFile, settings.rulesText),
        ].compactMap { $0.1 == nil ? nil : $0.0 }
    }

    static func apply(
        _ declaration: OnloadDeclaration, _ observation: OnloadBehaviour.Observation, on host: Host
    ) throws(AgentFault) {
        let reload = OnloadReload(declaration: declaration, found: observation, host: host)
        if observation.running.modules["onload"] != nil {
            try reload.refuseWhileUsed(isFull: false, to: "unload OpenOnload's modules")
        }
        try reload.unload(isFull: false)
        if observation.running.modules["sfc_resource"] != nil {
            try OnloadReload.modprobe(["-r", "sfc_resource"], node: nil, on: host.machine)
            // It takes with it what it alone used, and that may be the driver of the ports.
            try reload.restorePorts(after: nil)
        }
        if observation.disk.hasManifest {
            try OnloadArchive(declaration: declaration, host: host).uninstall()
        }
        for path in files(observation) {
            try attempt("remove \(path)") { () throws(SystemError) in
                try host.machine.remove(path)
            }
        }
    }
}
