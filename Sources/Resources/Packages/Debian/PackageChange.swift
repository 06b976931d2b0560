import FleetModel
import Kinds
import Linux

/// Installations and removals of single packages, through apt.
enum PackageChange {
    static func install(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation,
        on host: Host
    ) throws(AgentFault) {
        let name = declaration.name
        let attempted = "install \(name)" + (declaration.version.map { " \($0)" } ?? "")
        var options = [
            declaration.installsRecommended ? "--install-recommends" : "--no-install-recommends",
            "--no-remove",
        ]
        if declaration.allowsDowngrade { options.append("--allow-downgrades") }
        if observation.entry?.isHeld == true { options.append("--allow-change-held-packages") }
        if let archive = declaration.archive {
            try installArchive(archive, declaration, options, attempted, on: host)
            return
        }
        try refresh(declaration, observation, attempted, on: host)
        let target = declaration.version.map { "\(name)=\($0)" } ?? name
        try Apt.get(
            options + ["install", "--", target], attempted: attempted,
            hint: "a package that would have to go must be declared absent first", on: host.machine)
    }

    /// Fetches the package lists where they lack what is wanted, once in a run.
    private static func refresh(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation,
        _ attempted: String, on host: Host
    ) throws(AgentFault) {
        func has(_ offered: [String]) -> Bool {
            declaration.version.map(offered.contains) ?? !offered.isEmpty
        }
        if has(observation.offered ?? []) { return }
        let name = declaration.name
        var offered = try Apt.offered([name], on: host.machine)[name] ?? []
        var failure: AgentFault?
        if !has(offered), host.doneOnce.insert("apt-get update").inserted {
            do throws(AgentFault) {
                try Apt.update(attempted: "refresh the package lists", on: host)
            } catch {
                // One source that fails does not matter if another has the version.
                failure = error
            }
            offered = try Apt.offered([name], on: host.machine)[name] ?? []
        }
        if has(offered) { return }
        if let failure { throw failure }
        throw .notOffered(
            declaration, offered, attempted,
            hint: "`apt-cache policy \(name)` on the host shows where each comes from")
    }

    private static func installArchive(
        _ archive: ResolvedContent, _ declaration: PackageDeclaration, _ options: [String],
        _ attempted: String, on host: Host
    ) throws(AgentFault) {
        try PackageArchive.with(archive, suffix: "deb", attempted, on: host) {
            (path) throws(AgentFault) in
            try checkArchive(path, declaration, attempted, on: host.machine)
            try Apt.get(
                options + ["install", "--", path], attempted: attempted,
                hint: "what it depends on must be in a repository of the host", on: host.machine)
        }
    }

    /// Whether the file is the package and version that the plan says it is.
    private static func checkArchive(
        _ path: String, _ declaration: PackageDeclaration, _ attempted: String,
        on machine: any Machine
    ) throws(AgentFault) {
        let result = try Apt.run(
            "/usr/bin/dpkg-deb", ["--field", path, "Package", "Version", "Architecture"],
            attempted: "read the .deb of \(declaration.name)",
            hint: "see that it is a whole .deb file",
            on: machine)
        var fields: [String: String] = [:]
        for line in result.outputText.filledLines {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1].drop { $0 == " " }) }
        }
        let package = fields["Package"] ?? ""
        let version = fields["Version"] ?? ""
        let names = [package, "\(package):\(fields["Architecture"] ?? "")"]
        guard names.contains(declaration.name), version == declaration.version else {
            throw .wrongArchive(attempted, "\(package) \(version)")
        }
    }

    static func remove(_ declaration: PackageDeclaration, on host: Host) throws(AgentFault) {
        let name = declaration.name
        let verb = declaration.state == .purged ? "purge" : "remove"
        let attempted = "\(verb) package \(name)"
        // What would go or come with it is found out first: apt has no option that forbids it.
        let rehearsal = try Apt.get(
            ["--simulate", verb, "--", name], attempted: attempted, on: host.machine)
        let others = besides(name, rehearsal.outputText)
        guard others.isEmpty else {
            throw AgentFault(
                "needed", attempted, cause: "that would also " + others.joined(separator: ", "),
                hint: "declare those packages absent before this one, if that is meant")
        }
        try Apt.get([verb, "--", name], attempted: attempted, on: host.machine)
    }

    /// What a rehearsal does to other packages: `remove ssh`, `install exim4`.
    static func besides(_ name: String, _ rehearsal: String) -> [String] {
        let own = name.split(separator: ":").first.map(String.init) ?? name
        let verbs = ["Remv": "remove", "Purg": "purge", "Inst": "install"]
        var others: [String] = []
        for line in rehearsal.filledLines {
            let words = line.split(separator: " ")
            guard words.count >= 2, let verb = verbs[String(words[0])] else { continue }
            let isOwn = words[1] == own || words[1] == name
            if !isOwn || verb == "install" { others.append("\(verb) \(words[1])") }
        }
        return others
    }
}
