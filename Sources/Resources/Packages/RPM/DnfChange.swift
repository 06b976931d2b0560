import FleetModel
import Kinds
import Linux

/// Installations, removals and holds of single packages, through dnf.
enum DnfChange {
    static func install(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation,
        on host: Host
    ) throws(AgentFault) {
        let name = declaration.name
        let attempted = "install \(name)" + (declaration.version.map { " \($0)" } ?? "")
        // A lock is ours to pass, where the declaration says what is to be locked; for this call
        // alone, so that a failure does not leave the package without it.
        let isHeld = observation.entry?.isHeld == true
        let options =
            ["--setopt=install_weak_deps=\(declaration.installsRecommended ? "True" : "False")"]
            + (isHeld ? ["--disableplugin=versionlock"] : [])
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
        let call = options + ["install", target(name, declaration.version)]
        func install() throws(AgentFault) {
            try Dnf.run(
                call, attempted: attempted,
                hint: "a package that would have to go must be declared absent first",
                on: host.machine)
        }
        do throws(AgentFault) {
            return try install()
        } catch {
            guard error.code == "no-match" else { throw error }
        }
        // What is cached of the repositories may be older than the package.
        var failure: AgentFault?
        if host.doneOnce.insert("dnf makecache").inserted {
            do throws(AgentFault) {
                try Dnf.run(
                    ["makecache", "--refresh"],
                    attempted: "refresh what is known of the repositories",
                    on: host.machine)
                return try install()
            } catch {
                if error.code != "no-match" { failure = error }
            }
        }
        if let failure { throw failure }
        throw try absence(declaration, attempted, on: host.machine)
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
        let question = RPMDatabase.question(RPMDatabase.split(declaration.name))
        let attempted = "remove package \(declaration.name)"
        // dnf takes along whatever needs it; rpm is asked first what that would be.
        let rehearsal = try RPMDatabase.run(
            ["-e", "--test", "--allmatches", "--", question], attempted: attempted,
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
        let isHeld = observation.entry?.isHeld == true
        try Dnf.run(
            (isHeld ? ["--disableplugin=versionlock"] : []) + ["remove", question],
            attempted: attempted, on: host.machine)
    }

    /// Locks it at the version that is installed now, or lets it go.
    static func hold(
        _ isHeld: Bool, _ declaration: PackageDeclaration, on host: Host
    ) throws(AgentFault) {
        let name = declaration.name
        let package = RPMDatabase.split(name).package
        let locks = try VersionLock(on: host.machine)
        let entry = try RPMDatabase.read([name], locks, on: host.machine)[name]
        try locks.set(package, to: isHeld ? entry?.version : nil, on: host.machine)
    }
}
