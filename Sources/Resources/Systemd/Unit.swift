import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `unit`: the file in /etc/systemd/system, and whether systemd has loaded it.
package enum UnitBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var path: PathObservation
        /// Whether the directory of drop-ins is there; true for the unit file itself.
        var hasDirectory: Bool
        var digest: Digest?
        /// The content found, for a diff.
        var text: String?
        /// The unit, or every loaded instance of a template.
        var loaded: [UnitStatus]

        /// What systemd has in memory instead of the current files.
        ///
        /// nil if it has read the current files, or has not loaded the unit yet.
        func stale(_ declaration: UnitDeclaration) -> String? {
            for status in loaded {
                if status.needsDaemonReload { return "an older unit file" }
                if declaration.dropIn != nil, status.loadState == "loaded",
                    status.dropInPaths.contains(declaration.path) == declaration.isAbsent
                {
                    return "an older unit file"
                }
                // systemd does not try again by itself to load a unit with the load state error.
                if status.loadState == "error" { return status.loadError }
                if declaration.dropIn == nil, !declaration.isAbsent, !status.isFound {
                    return "no unit file"
                }
            }
            return nil
        }

        /// The unit if systemd has read its files and rejects them.
        var refused: UnitStatus? { loaded.first { $0.loadState == "bad-setting" } }
    }

    /// The largest unit file that is read.
    private static let limit = 1 << 20

    package static func observe(
        _ declarations: [UnitDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let loaded: [[UnitStatus]]
        let accounts: Accounts
        do throws(AgentFault) {
            loaded = try UnitLoading.observe(declarations.map(\.name), on: host.machine)
            accounts = try Accounts(on: host.machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(Array(zip(declarations, loaded))) { (pair) throws(AgentFault) in
            try observe(pair.0, pair.1, accounts, on: host)
        }
    }

    private static func observe(
        _ declaration: UnitDeclaration, _ loaded: [UnitStatus], _ accounts: Accounts, on host: Host
    ) throws(AgentFault) -> Observation {
        let path = declaration.path
        let found = try PathObservation(
            path, owner: "root", group: "root", accounts: accounts, on: host.machine)
        var observation = Observation(path: found, hasDirectory: found.hasParent, loaded: loaded)
        guard let type = found.status?.type else { return observation }
        guard type == .file || type == .symlink else {
            throw AgentFault(
                "wrong-type", "manage the unit file \(path)", cause: "there is a \(type.rawValue)",
                hint: "remove it by hand")
        }
        guard type == .file, let content = declaration.content else { return observation }
        let bytes = try attempt("read \(path)") { () throws(SystemError) in
            try host.machine.read(path, limit: limit)
        }
        observation.digest = Digest(of: bytes)
        if host.wantsContent, observation.digest != content.digest, !content.isSecret {
            observation.text = String(validating: bytes, as: UTF8.self)
        }
        return observation
    }

    package static func diff(
        _ declaration: UnitDeclaration, _ observation: Observation
    ) -> Difference {
        let found = observation.path
        var changes: [Change] = []
        if declaration.isAbsent {
            if found.status != nil {
                changes.append(Change("state", before: "present", after: "absent"))
            }
        } else {
            changes = fileChanges(declaration, observation)
        }
        // If the file is to be written or removed, that change includes loading it.
        let isFileRight = !changes.contains { ["state", "content", "type"].contains($0.attribute) }
        if isFileRight, let stale = observation.stale(declaration) {
            changes.append(
                Change(
                    "loaded", layer: .onDisk, before: .string(stale), after: "the unit file",
                    source: declaration.path))
        }
        if !changes.isEmpty { return .changes(changes) }
        if declaration.isAbsent { return .asDeclared("not there") }
        if let refused = observation.refused {
            return .blocked(
                AgentFault(
                    "bad-unit", "load \(declaration.name)",
                    cause: refused.loadError.isEmpty
                        ? "systemd says \(refused.loadState)" : refused.loadError,
                    hint: "`systemd-analyze verify \(refused.id)` on the host names the line"))
        }
        return .asDeclared(reason(declaration, observation))
    }

    private static func fileChanges(
        _ declaration: UnitDeclaration, _ observation: Observation
    ) -> [Change] {
        let found = observation.path
        guard let content = declaration.content else { return [] }
        let after = PathText.json(of: content)
        func metadata(_ path: PathObservation) -> [Change] {
            path.metadataChanges(
                mode: declaration.mode, owner: "root", group: "root", newMode: declaration.mode)
        }
        guard let status = found.status else {
            return [
                Change("state", before: "absent", after: "present"),
                Change("content", before: nil, after: after),
            ] + metadata(found)
        }
        if status.type == .symlink {
            return [
                Change(
                    "type", before: .string("symlink to \(found.linkTarget ?? "?")"), after: "file"),
                Change("content", before: nil, after: after),
            ] + metadata(.absent(with: found.ownership))
        }
        var changes: [Change] = []
        if let digest = observation.digest, digest != content.digest {
            let before = ResolvedContent(
                digest: digest, size: Int(status.size), isSecret: content.isSecret)
            changes.append(
                Change(
                    "content", before: PathText.json(of: before), after: after,
                    beforeText: observation.text))
        }
        return changes + metadata(found)
    }

    private static func reason(
        _ declaration: UnitDeclaration, _ observation: Observation
    ) -> String {
        let file = "same content, mode \(PathText.octal(declaration.mode))"
        if UnitName.isTemplate(declaration.name) {
            let count = observation.loaded.count
            return file + ", loaded by \(count) instance\(count == 1 ? "" : "s")"
        }
        guard let status = observation.loaded.first, status.isFound else {
            return file + ", for a unit that does not exist"
        }
        return file + (status.isMasked ? ", but the unit is masked" : ", loaded")
    }

    package static func beforeImages(
        _ declaration: UnitDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        // The directory is created with the first drop-in and removed with the last.
        if declaration.dropIn != nil {
            let folder = declaration.dropInDirectory
            let found = try PathObservation(folder, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(folder, on: host))
        }
        images.append(try observation.path.fullImage(declaration.path, on: host))
        return images
    }

    package static func apply(
        _ declaration: UnitDeclaration, _ observation: Observation, changes: [Change], on host: Host
    ) throws(AgentFault) {
        try put(declaration, observation, changes, on: host)
        let loaded = try UnitLoading.observe([declaration.name], on: host.machine)
        try reload(declaration, observation, loaded[0], on: host)
    }

    package static var isAppliedTogether: Bool { true }

    /// Puts all files in place, then asks systemd once about all units.
    package static func apply(_ due: [DueChange<Self>], on host: Host) -> [ChangeOutcome] {
        var outcomes = due.map { one in
            host.outcome { () throws(AgentFault) in
                try put(one.declaration, one.observation, one.changes, on: host)
            }
        }
        let placed = due.indices.filter { if case .made = outcomes[$0] { true } else { false } }
        if placed.isEmpty { return outcomes }
        do throws(AgentFault) {
            let names = placed.map { due[$0].declaration.name }
            let loaded = try UnitLoading.observe(names, on: host.machine)
            for (index, loaded) in zip(placed, loaded) {
                outcomes[index] = host.outcome { () throws(AgentFault) in
                    try reload(due[index].declaration, due[index].observation, loaded, on: host)
                }
            }
        } catch {
            for index in placed { outcomes[index] = .failed(error) }
        }
        return outcomes
    }

    /// Puts the file in place, or removes it.
    private static func put(
        _ declaration: UnitDeclaration, _ observation: Observation, _ changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let wanted = Set(changes.map(\.attribute))
        if declaration.isAbsent {
            if wanted.contains("state") { try remove(declaration, on: machine) }
        } else if let content = declaration.content, !wanted.isDisjoint(with: ["content", "state"])
        {
            let bytes = try host.blob(content.digest)
            if declaration.verifies {
                try UnitCandidate.verify(
                    declaration, bytes, isSecret: content.isSecret, on: machine)
            }
            if !observation.hasDirectory {
                try attempt("create \(declaration.dropInDirectory)") { () throws(SystemError) in
                    try machine.makeDirectory(
                        declaration.dropInDirectory, mode: 0o755, uid: 0, gid: 0)
                }
            }
            try attempt("write \(declaration.path)") { () throws(SystemError) in
                try machine.replaceFile(
                    declaration.path, content: bytes, mode: declaration.mode, uid: 0, gid: 0)
            }
        } else {
            try observation.path.applyMetadata(
                declaration.path, mode: declaration.mode, on: machine)
        }
    }

    /// Has systemd reload its units if it has an older file in memory.
    ///
    /// A unit that is not loaded needs no reload: systemd reads it on demand. Whether a template
    /// without instances is up to date cannot be asked, so systemd is reloaded for it.
    private static func reload(
        _ declaration: UnitDeclaration, _ observation: Observation, _ loaded: [UnitStatus],
        on host: Host
    ) throws(AgentFault) {
        var now = observation
        now.loaded = loaded
        if loaded.isEmpty || now.stale(declaration) != nil {
            try host.share(SharedWait(.daemonReload))
        }
    }

    private static func remove(
        _ declaration: UnitDeclaration, on machine: any Machine
    ) throws(AgentFault) {
        try attempt("remove \(declaration.path)") { () throws(SystemError) in
            try machine.remove(declaration.path)
            guard declaration.dropIn != nil,
                try machine.listIfPresent(declaration.dropInDirectory).isEmpty
            else { return }
            try machine.remove(declaration.dropInDirectory)
        }
    }
}

/// The units that systemd has loaded, by names that may be templates.
enum UnitLoading {
    /// For each name the unit's status; for a template that of every instance in memory.
    static func observe(
        _ names: [String], on machine: any Machine
    ) throws(AgentFault) -> [[UnitStatus]] {
        let units = Set(names.filter { !UnitName.isTemplate($0) }).sorted()
        var known = Dictionary(
            zip(units, try UnitStatus.show(units, on: machine)).map { ($0, [$1]) },
            uniquingKeysWith: { first, _ in first })
        let templates = Set(names.filter(UnitName.isTemplate)).sorted()
        if !templates.isEmpty {
            // A pattern is answered with the loaded units that match it.
            let patterns = templates.map { name in
                String(name.flatMap { $0 == "@" ? ["@", "*"] : [$0] })
            }
            let instances = try UnitStatus.show(matching: patterns, on: machine)
            for instance in instances {
                guard let template = UnitName.template(of: instance.id) else { continue }
                known[template, default: []].append(instance)
            }
        }
        return names.map { known[$0] ?? [] }
    }
}

/// Checks a unit file or drop-in with systemd-analyze before it is put in place.
enum UnitCandidate {
    /// Throws the errors that systemd-analyze finds.
    ///
    /// A program that does not exist yet is no error. On a host whose systemd-analyze is too old to
    /// check a single unit, nothing is checked.
    static func verify(
        _ declaration: UnitDeclaration, _ content: [UInt8], isSecret: Bool, on machine: any Machine
    ) throws(AgentFault) {
        // Only root can write to /run; the digest in the name keeps two candidates apart.
        let directory = "/run/muster-unit-\(Digest(of: declaration.path.utf8).short)"
        let folder = declaration.dropIn == nil ? directory : "\(directory)/\(declaration.name).d"
        let file = "\(folder)/\(PathName.last(of: declaration.path))"
        let made = [file, folder] + (folder == directory ? [] : [directory])
        var isRemoved = false
        defer { if !isRemoved { for path in made { try? machine.remove(path) } } }
        try attempt("write a candidate of \(declaration.path)") { () throws(SystemError) in
            for path in Set([directory, folder]).sorted()
            where try machine.statusIfPresent(path) == nil {
                try machine.makeDirectory(path, mode: 0o700, uid: 0, gid: 0)
            }
            try machine.replaceFile(file, content: content, mode: 0o600, uid: 0, gid: 0)
        }
        let call = ProgramCall(
            "/usr/bin/systemd-analyze",
            [
                "verify", "--man=no", "--recursive-errors=no", "--",
                declaration.dropIn == nil ? file : declaration.name,
            ],
            environment: ProgramCall.plainEnvironment + ["SYSTEMD_UNIT_PATH=\(directory):"],
            timeoutSeconds: 30, outputLimit: 1 << 20)
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(call)
        } catch {
            if error.isNotFound { return }
            throw AgentFault("verify \(declaration.path)", error)
        }
        try attempt("remove the candidate of \(declaration.path)") { () throws(SystemError) in
            for path in made { try machine.remove(path) }
        }
        isRemoved = true
        if result.succeeded { return }
        let lines = Excerpt.lines(of: result.errorText, most: 8).filter { line in
            !line.contains(text: "is not executable: No such file")
        }
        if lines.isEmpty || lines.contains(where: { $0.contains(text: "unrecognized option") }) {
            return
        }
        // A drop-in for a unit that a package installs later.
        if lines == ["Unit \(declaration.name) not found."] { return }
        let said = lines.map { $0.replacing(text: file, by: PathName.last(of: file)) }
        throw AgentFault(
            "verify-failed", "put \(declaration.path) in place",
            cause: isSecret
                ? "systemd-analyze refuses it"
                : "systemd-analyze refuses it" + said.map { "\n    \($0)" }.joined(),
            hint: "correct it, or declare `verify: false`")
    }
}

extension PathText {
    /// Content as a change shows it: by digest and size, a secret by digest alone.
    static func json(of content: ResolvedContent) -> JSON {
        content.isSecret
            ? ["secret": .string(content.digest.description)]
            : ["sha256": .string(content.digest.description), "size": .integer(content.size)]
    }
}
