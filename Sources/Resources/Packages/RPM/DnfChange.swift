import FleetModel
import Kinds
import Linux
import Wire

/// Installations, removals and holds of packages, through dnf.
enum DnfChange {
    /// The options of dnf for an installation.
    static func options(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation
    ) -> [String] {
        // Where `hold` is declared, muster may override a lock. It does so for this call only,
        // so that a failure does not leave the package unlocked.
        ["--setopt=install_weak_deps=\(declaration.installsRecommended ? "True" : "False")"]
            + removalOptions(observation)
    }

    /// The options of dnf for a removal.
    static func removalOptions(_ observation: PackageBehaviour.Observation) -> [String] {
        observation.entry?.isHeld == true ? ["--disableplugin=versionlock"] : []
    }

    static func install(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation,
        on host: Host
    ) throws(AgentFault) {
        let attempted = declaration.installation
        let options = options(declaration, observation)
        if let archive = declaration.archive {
            return try PackageArchive.with(archive, suffix: "rpm", attempted, on: host) {
                (path) throws(AgentFault) in
                try check(path, declaration, attempted, on: host.machine)
                try Dnf.run(
                    options + ["install", path], attempted: attempted,
                    hint: "its dependencies must be in a repository of the host",
                    on: host.machine)
            }
        }
        do throws(AgentFault) {
            try install([declaration], options, attempted: attempted, on: host)
        } catch {
            guard error.code == "no-match" else { throw error }
            throw try absence(declaration, attempted, on: host.machine)
        }
    }

    /// Installs packages from the repositories in one transaction.
    ///
    /// Throws `no-match` if no repository has one of them, even after the cache was refreshed.
    static func install(
        _ declarations: [PackageDeclaration], _ options: [String], attempted: String, on host: Host
    ) throws(AgentFault) {
        let call = options + ["install"] + declarations.map { target($0.name, $0.version) }
        func install() throws(AgentFault) {
            try Dnf.run(
                call, attempted: attempted,
                hint: "if a package would have to be removed, declare it absent first",
                timeoutSeconds: Apt.timeoutSeconds(of: declarations.count), on: host.machine)
        }
        do throws(AgentFault) {
            return try install()
        } catch {
            // The cached metadata of the repositories may be older than the package.
            guard error.code == "no-match", host.doneOnce.insert("dnf makecache").inserted else {
                throw error
            }
        }
        try Dnf.run(
            ["makecache", "--refresh"], attempted: "refresh the metadata of the repositories",
            on: host.machine)
        try install()
    }

    /// `NAME-EPOCH:VERSION-RELEASE.ARCHITECTURE`, as far as it is declared.
    private static func target(_ name: String, _ version: String?) -> String {
        let (package, architecture) = RPMDatabase.split(name)
        let exact = version.map { "-" + ($0.utf8.contains(58) ? $0 : "0:" + $0) } ?? ""
        return RPMDatabase.question((package + exact, architecture))
    }

    private static func absence(
        _ declaration: PackageDeclaration, _ attempted: String, on machine: any Machine
    ) throws(AgentFault) -> AgentFault {
        let name = declaration.name
        let offered = try Dnf.offered(RPMDatabase.question(RPMDatabase.split(name)), on: machine)
        return .notOffered(
            declaration, offered, attempted,
            hint: "`dnf repoquery --showduplicates \(name)` on the host lists them")
    }

    /// Whether the file is the package and version that the plan says it is.
    private static func check(
        _ path: String, _ declaration: PackageDeclaration, _ attempted: String,
        on machine: any Machine
    ) throws(AgentFault) {
        let result = try RPMDatabase.run(
            ["-q", "--qf", RPMDatabase.format, "-p", path], attempted: attempted, on: machine)
        let fields = result.outputText.split(separator: "\t")
        guard result.succeeded, fields.count == 4 else {
            throw AgentFault(
                "wrong-archive", attempted,
                cause: "the file is not an .rpm:  \(ProgramText.excerpt(of: result))",
                hint: "check that it is a complete .rpm file")
        }
        let version = String(fields[1].hasPrefix("0:") ? fields[1].dropFirst(2) : fields[1])
        let names = [String(fields[0]), "\(fields[0]):\(fields[2])"]
        guard names.contains(declaration.name), version == declaration.version else {
            throw .wrongArchive(attempted, "\(fields[0]) \(version)")
        }
    }

    static func remove(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation,
        on host: Host
    ) throws(AgentFault) {
        try remove(
            [declaration.name], removalOptions(observation),
            attempted: "remove package \(declaration.name)", on: host)
    }

    /// Removes packages in one transaction, if no other package needs them.
    static func remove(
        _ names: [String], _ options: [String], attempted: String, on host: Host
    ) throws(AgentFault) {
        let questions = names.map { RPMDatabase.question(RPMDatabase.split($0)) }
        // dnf would also remove packages that need these; rpm is asked first which those are.
        let rehearsal = try RPMDatabase.run(
            ["-e", "--test", "--allmatches", "--"] + questions, attempted: attempted,
            on: host.machine)
        guard rehearsal.succeeded else {
            let said = Excerpt.lines(of: rehearsal.errorText, most: 8)
            let needs = said.filter { $0.contains(text: " is needed by ") }
            throw AgentFault(
                needs.isEmpty ? "rpm-failed" : "needed", attempted,
                cause: (needs.isEmpty ? said : needs).map { $0.trimmingSpaces() }
                    .joined(separator: "; "),
                hint: needs.isEmpty
                    ? nil : "if that is intended, declare those packages absent before this one")
        }
        try Dnf.run(
            options + ["remove"] + questions, attempted: attempted,
            timeoutSeconds: Apt.timeoutSeconds(of: names.count), on: host.machine)
    }

    /// Locks packages at the versions that are installed now, or unlocks them.
    static func hold(_ isHeld: Bool, _ names: [String], on host: Host) throws(AgentFault) {
        let locks = try VersionLock(on: host.machine)
        let entries = try RPMDatabase.read(names, locks, on: host.machine)
        let versions = names.map { name in
            (RPMDatabase.split(name).package, isHeld ? entries[name]?.version : nil)
        }
        try locks.set(versions, on: host.machine)
    }
}
