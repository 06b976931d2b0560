import FleetModel
import Kinds
import Linux

/// Installations and removals of packages, through apt.
enum PackageChange {
    /// What apt-get is told about an installation besides the package.
    static func options(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation
    ) -> [String] {
        var options = [
            declaration.installsRecommended ? "--install-recommends" : "--no-install-recommends",
            "--no-remove",
        ]
        if declaration.allowsDowngrade { options.append("--allow-downgrades") }
        if observation.entry?.isHeld == true { options.append("--allow-change-held-packages") }
        return options
    }

    static func install(
        _ declaration: PackageDeclaration, _ observation: PackageBehaviour.Observation,
        on host: Host
    ) throws(AgentFault) {
        let attempted = declaration.installation
        let options = options(declaration, observation)
        if let archive = declaration.archive {
            try installArchive(archive, declaration, options, attempted, on: host)
            return
        }
        if let fault = try lacking([(declaration, observation)], on: host)[0] { throw fault }
        try install([declaration], options, attempted: attempted, on: host)
    }

    /// Installs packages of the repositories in one transaction.
    static func install(
        _ declarations: [PackageDeclaration], _ options: [String], attempted: String, on host: Host
    ) throws(AgentFault) {
        let targets = declarations.map { one in one.version.map { "\(one.name)=\($0)" } ?? one.name
        }
        try Apt.get(
            options + ["install", "--"] + targets, attempted: attempted,
            hint: "a package that would have to go must be declared absent first",
            timeoutSeconds: Apt.timeoutSeconds(of: targets.count), on: host.machine)
    }

    /// Which packages no list offers, once the lists were refreshed where they lacked any.
    ///
    /// One fault for each that cannot be had, in the same order. Lists are fetched once in a run.
    static func lacking(
        _ wanted: [(declaration: PackageDeclaration, observation: PackageBehaviour.Observation)],
        on host: Host
    ) throws(AgentFault) -> [AgentFault?] {
        func isIn(_ offered: [String]?, _ declaration: PackageDeclaration) -> Bool {
            let offered = offered ?? []
            return declaration.version.map(offered.contains) ?? !offered.isEmpty
        }
        let unsure = wanted.filter { !isIn($0.observation.offered, $0.declaration) }
            .map(\.declaration)
        if unsure.isEmpty { return wanted.map { _ in nil } }
        var offered = try Apt.offered(unsure.map(\.name), on: host.machine)
        var failure: AgentFault?
        if unsure.contains(where: { !isIn(offered[$0.name], $0) }),
            host.doneOnce.insert("apt-get update").inserted
        {
            do throws(AgentFault) {
                try Apt.update(attempted: "refresh the package lists", on: host)
            } catch {
                // One source that fails does not matter if another has the version.
                failure = error
            }
            offered = try Apt.offered(unsure.map(\.name), on: host.machine)
        }
        return wanted.map { declaration, observation -> AgentFault? in
            if isIn(observation.offered, declaration)
                || isIn(offered[declaration.name], declaration)
            {
                return nil
            }
            return failure
                ?? .notOffered(
                    declaration, offered[declaration.name] ?? [], declaration.installation,
                    hint: "`apt-cache policy \(declaration.name)` on the host shows where each "
                        + "comes from")
        }
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
        let verb = verb(declaration)
        try remove(
            [declaration.name], verb, attempted: "\(verb) package \(declaration.name)", on: host)
    }

    /// What apt-get calls it.
    static func verb(_ declaration: PackageDeclaration) -> String {
        declaration.state == .purged ? "purge" : "remove"
    }

    /// Removes packages in one transaction, if nothing else goes or comes with them.
    static func remove(
        _ names: [String], _ verb: String, attempted: String, on host: Host
    ) throws(AgentFault) {
        // What would go or come with it is found out first: apt has no option that forbids it.
        let rehearsal = try Apt.get(
            ["--simulate", verb, "--"] + names, attempted: attempted, on: host.machine)
        let others = besides(names, rehearsal.outputText)
        guard others.isEmpty else {
            throw AgentFault(
                "needed", attempted, cause: "that would also " + others.joined(separator: ", "),
                hint: "declare those packages absent before this one, if that is meant")
        }
        try Apt.get(
            [verb, "--"] + names, attempted: attempted,
            timeoutSeconds: Apt.timeoutSeconds(of: names.count), on: host.machine)
    }

    /// What a rehearsal does to other packages: `remove ssh`, `install exim4`.
    private static func besides(_ names: [String], _ rehearsal: String) -> [String] {
        let own = Set(names + names.compactMap { $0.split(separator: ":").first.map(String.init) })
        let verbs = ["Remv": "remove", "Purg": "purge", "Inst": "install"]
        var others: [String] = []
        for line in rehearsal.filledLines {
            let words = line.split(separator: " ")
            guard words.count >= 2, let verb = verbs[String(words[0])] else { continue }
            if !own.contains(String(words[1])) || verb == "install" {
                others.append("\(verb) \(words[1])")
            }
        }
        return others
    }
}
