import FleetModel
import Kinds
import Linux

/// Installations, removals and holds of packages, through dnf.
enum DnfChange {
    /// What dnf is told about an installation besides the package.
    static func options(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation
    ) -> [String] {
        // A lock is ours to pass, where the declaration says what is to be locked; for this call
        // alone, so that a failure does not leave the package without it.
        ["--setopt=install_weak_deps=\(declaration.installsRecommended ? "True" : "False")"]
            + removalOptions(observation)
    }

    /// What dnf is told about a removal besides the package.
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
                    hint: "what it depends on must be in a repository of the host",
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

    /// Installs packages of the repositories in one transaction; fault `no-match` where no repository
    /// has one of them, also after what is known of the repositories was refreshed.
    static func install(
        _ declarations: [PackageDeclaration], _ options: [String], attempted: String, on host: Host
    ) throws(AgentFault) {
        let call = options + ["install"] + declarations.map { target($0.name, $0.version) }
        func install() throws(AgentFault) {
            try Dnf.run(
                call, attempted: attempted,
                hint: "a package that would have to go must be declared absent first",
                timeoutSeconds: Apt.timeoutSeconds(of: declarations.count), on: host.machine)
        }
        do throws(AgentFault) {
            return try install()
        } catch {
            // What is cached of the repositories may be older than the package.
            guard error.code == "no-match", host.doneOnce.insert("dnf makecache").inserted else {
                throw error
            }
        }
        try Dnf.run(
            ["makecache", "--refresh"], attempted: "refresh what is known of the repositories",
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
                cause: "the file is no .rpm: \(ProgramText.excerpt(of: result))",
                hint: "see that it is a whole .rpm file")
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

    /// Removes packages in one transaction, if no other needs them.
    static func remove(
        _ names: [String], _ options: [String], attempted: String, on host: Host
    ) throws(AgentFault) {
        let questions = names.map { RPMDatabase.question(RPMDatabase.split($0)) }
        // dnf takes along whatever needs it; rpm is asked first what that would be.
        let rehearsal = try RPMDatabase.run(
            ["-e", "--test", "--allmatches", "--"] + questions, attempted: attempted,
            on: host.machine)
        guard rehearsal.succeeded else {
            let said = Excerpt.lines(of: rehearsal.errorText, most: 8)
            let needs = said.filter { $0.contains(" is needed by ") }
            throw AgentFault(
                needs.isEmpty ? "rpm-failed" : "needed", attempted,
                cause: (needs.isEmpty ? said : needs).map { $0.trimmingSpaces() }
                    .joined(separator: "; "),
                hint: needs.isEmpty
                    ? nil : "declare those packages absent before this one, if that is meant")
        }
        try Dnf.run(
            options + ["remove"] + questions, attempted: attempted,
            timeoutSeconds: Apt.timeoutSeconds(of: names.count), on: host.machine)
    }

    /// Locks packages at the versions that are installed now, or lets them go.
    static func hold(_ isHeld: Bool, _ names: [String], on host: Host) throws(AgentFault) {
        let locks = try VersionLock(on: host.machine)
        let entries = try RPMDatabase.read(names, locks, on: host.machine)
        let versions = names.map { name in
            (RPMDatabase.split(name).package, isHeld ? entries[name]?.version : nil)
        }
        try locks.set(versions, on: host.machine)
    }
}
