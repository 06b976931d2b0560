import FleetModel
import Kinds
import Linux

/// Installations and removals of packages, through apt.
enum PackageChange {
    /// The options of apt-get for an installation.
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

    /// Installs packages from the repositories in one transaction.
    static func install(
        _ declarations: [PackageDeclaration], _ options: [String], attempted: String, on host: Host
    ) throws(AgentFault) {
        let targets = declarations.map { one in one.version.map { "\(one.name)=\($0)" } ?? one.name
        }
        try Apt.get(
            options + ["install", "--"] + targets, attempted: attempted,
            hint: "if a package would have to be removed, declare it absent first",
            timeoutSeconds: Apt.timeoutSeconds(of: targets.count), on: host.machine)
    }

    /// Finds packages that no list offers; if there are any, the lists are refreshed first.
    ///
    /// Returns one fault for each package, in the same order, nil where a list offers it. Lists are
    /// fetched at most once in a run.
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
                hint: "its dependencies must be in a repository of the host", on: host.machine)
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
            hint: "check that it is a complete .deb file",
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

    /// The command of apt-get for the removal.
    static func verb(_ declaration: PackageDeclaration) -> String {
        declaration.state == .purged ? "purge" : "remove"
    }

    /// Removes packages in one transaction, if that neither removes nor installs others.
    static func remove(
        _ names: [String], _ verb: String, attempted: String, on host: Host
    ) throws(AgentFault) {
        // A simulation finds such packages first: apt has no option that forbids them.
        let rehearsal = try Apt.get(
            ["--simulate", verb, "--"] + names, attempted: attempted, on: host.machine)
        let others = besides(names, rehearsal.outputText)
        guard others.isEmpty else {
            throw AgentFault(
                "needed", attempted, cause: "that would also " + others.joined(separator: ", "),
                hint: "if that is intended, declare those packages absent before this one")
        }
        try Apt.get(
            [verb, "--"] + names, attempted: attempted,
            timeoutSeconds: Apt.timeoutSeconds(of: names.count), on: host.machine)
    }

    /// What the simulation does to other packages: `remove ssh`, `install exim4`.
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
