import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `package_repository`: its file, its key, and whether its lists were fetched.
package enum PackageRepositoryBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// The file of the repository.
        var file: PathObservation
        var text: String?
        /// Whether a file of the other format has the same name.
        var hasOther: Bool
        /// The digests of the keys that exist, by path.
        var keys: [String: Digest] = [:]
        /// Whether the declared keyring exists.
        var hasKeyring = true
        /// Addresses and suites without a fetched list.
        var notFetched: [String] = []
        /// Whether the program that reads the file exists.
        var hasProgram = true
    }

    private static let limit = 1 << 20

    package static func observe(
        _ declarations: [PackageRepositoryDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        let accounts: Accounts
        let lists: [String]
        do throws(AgentFault) {
            accounts = try Accounts(on: machine)
            lists = try attempt("list \(PackageLists.directory)") { () throws(SystemError) in
                try machine.listIfPresent(PackageLists.directory)
            }
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            var observation = try observe(declaration, accounts, on: machine)
            if declaration.isEnabled, !declaration.isAbsent {
                observation.notFetched =
                    declaration.format == .repo
                    ? try DnfCache.missing(declaration, on: machine)
                    : PackageLists.missing(declaration, among: lists)
            }
            return observation
        }
    }

    private static func observe(
        _ declaration: PackageRepositoryDeclaration, _ accounts: Accounts, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let path = declaration.path
        let file = try PathObservation(
            path, owner: "root", group: "root", accounts: accounts, on: machine)
        return try attempt("read \(path)") { () throws(SystemError) in
            var observation = Observation(
                file: file, hasOther: false)
            if let other = declaration.otherPath {
                observation.hasOther = try machine.statusIfPresent(other) != nil
            }
            if declaration.format == .repo, !declaration.isAbsent {
                observation.hasProgram =
                    try machine.statusIfPresent(Dnf.program, followLinks: true) != nil
            }
            if file.status?.type == .file {
                observation.text = try machine.textIfPresent(path, limit: limit)
            }
            for keyPath in declaration.keyPaths {
                guard try machine.statusIfPresent(keyPath)?.type == .file else { continue }
                observation.keys[keyPath] = Digest(of: try machine.read(keyPath, limit: limit))
            }
            if let keyring = declaration.keyring, !declaration.isAbsent {
                observation.hasKeyring =
                    try machine.statusIfPresent(keyring, followLinks: true) != nil
            }
            return observation
        }
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation
    ) -> Difference {
        if declaration.isAbsent {
            let isThere = observation.file.status != nil || observation.hasOther
            return isThere
                ? .changes([Change("state", before: "present", after: "absent")])
                : .asDeclared("not there")
        }
        if !observation.hasProgram {
            return .blocked(
                AgentFault(
                    "no-dnf", "declare package_repository \(declaration.name)",
                    cause: "there is no \(Dnf.program), which reads .repo files",
                    hint: "on a host with apt declare `format: deb822` or `list`"))
        }
        if !observation.hasKeyring {
            return .blocked(
                AgentFault(
                    "no-keyring", "declare package_repository \(declaration.name)",
                    cause: "there is no keyring \(declaration.keyring ?? "")",
                    hint: "declare the package or the file that provides it"))
        }
        var changes = fileChanges(declaration, observation)
        if let key = declaration.key, keyPath(declaration, observation) == nil {
            let found = observation.keys.values.first
            changes.append(
                Change(
                    "key", before: found.map { ["sha256": .string($0.description)] },
                    after: PathText.json(of: key)))
        }
        if observation.hasOther {
            changes.append(
                Change(
                    "format", before: .string(declaration.format == .list ? "deb822" : "list"),
                    after: .string(declaration.format.rawValue), source: declaration.otherPath))
        }
        if changes.isEmpty, let missing = observation.notFetched.first {
            changes.append(
                Change(
                    "lists", layer: .onDisk, before: "missing", after: "fetched", source: missing))
        }
        if !changes.isEmpty { return .changes(changes) }
        return .asDeclared(
            declaration.isEnabled ? "same entry, its lists are there" : "same entry, not enabled")
    }

    private static func fileChanges(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation
    ) -> [Change] {
        guard let status = observation.file.status else {
            return [Change("state", before: "absent", after: "present")]
                + fields(nil, wanted(declaration, observation))
        }
        guard status.type == .file, let text = observation.text else {
            return [Change("type", before: .string(status.type.rawValue), after: "file")]
        }
        let metadata = observation.file.metadataChanges(
            mode: 0o644, owner: "root", group: "root", newMode: 0o644)
        let wanted = wanted(declaration, observation)
        if declaration.format == .list {
            let found = Set(lines(of: text))
            if found == Set(wanted.lines) { return metadata }
            return [
                Change("lines", before: .strings(found.sorted()), after: .strings(wanted.lines))
            ] + metadata
        }
        guard let found = self.found(declaration, text) else {
            let one = declaration.format == .repo ? "one section" : "one stanza"
            return [Change("content", before: .string("not \(one)"), after: .string(one))]
                + metadata
        }
        return (found.isSame(as: wanted) ? [] : fields(found, wanted)) + metadata
    }

    private static func found(
        _ declaration: PackageRepositoryDeclaration, _ text: String
    ) -> SourcesFile? {
        declaration.format == .repo
            ? SourcesFile(repo: text, name: declaration.name) : SourcesFile(deb822: text)
    }

    /// The wanted file, with the path where the key is or will be.
    private static func wanted(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation
    ) -> SourcesFile {
        let own =
            declaration.key == nil
            ? nil
            : keyPath(declaration, observation) ?? signedBy(declaration, observation)
                ?? declaration.keyPath(armoured: true)
        return SourcesFile(declaration, keyPath: declaration.keyring ?? own)
    }

    /// The path of the declared key; nil where it does not exist or is not the only key.
    private static func keyPath(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation
    ) -> String? {
        guard let key = declaration.key, observation.keys.count == 1 else { return nil }
        return observation.keys.first { $0.value == key.digest }?.key
    }

    /// The path of the key that the existing file names, if it is in muster's directory for keys.
    private static func signedBy(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation
    ) -> String? {
        let fields = observation.text.flatMap { found(declaration, $0) }?.fields
        let path =
            declaration.format == .repo
            ? fields?["gpgkey"]?.first.flatMap { $0.hasPrefix("file://") ? $0.dropFirst(7) : nil }
            : fields?["Signed-By"]?.first.map { $0[...] }
        return path.flatMap { $0.hasPrefix(declaration.keyFolder + "/") ? String($0) : nil }
    }

    private static func lines(of text: String) -> [String] {
        text.filledLines.map { line in
            line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }.filter { line in
            // The line of a disabled repository is a comment too.
            !line.isEmpty && (!line.hasPrefix("#") || line.hasPrefix("# deb"))
        }
    }

    private static let attributes = [
        "Types": "types", "URIs": "uris", "Suites": "suites", "Components": "components",
        "Architectures": "architectures", "Signed-By": "signed_by", "Enabled": "enabled",
        "Trusted": "trusted", "baseurl": "uris", "enabled": "enabled", "gpgkey": "signed_by",
        "gpgcheck": "gpgcheck",
    ]

    private static func fields(_ found: SourcesFile?, _ wanted: SourcesFile) -> [Change] {
        let names = Set(wanted.fields.keys).union(found?.fields.keys.map { $0 } ?? [])
        return names.sorted().compactMap { name in
            let before = found?.fields[name]
            let after = wanted.fields[name]
            if before.map(Set.init) == after.map(Set.init) { return nil }
            return Change(
                attributes[name] ?? "options.\(name)",
                before: before.map { .string($0.joined(separator: " ")) },
                after: after.map { .string($0.joined(separator: " ")) })
        }
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        if declaration.key != nil {
            let folder = declaration.keyFolder
            let hasFolder = try attempt("read the status of \(folder)") {
                () throws(SystemError) in
                try host.machine.statusIfPresent(folder) != nil
            }
            if !hasFolder { images.append(.nothing(path: folder)) }
        }
        var paths = [declaration.path] + (declaration.otherPath.map { [$0] } ?? [])
        if declaration.key != nil || declaration.isAbsent { paths += declaration.keyPaths }
        for path in paths {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        return images
    }

    package static func apply(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        if declaration.isAbsent { return try remove(declaration, observation, on: machine) }
        var keyPath = declaration.keyring
        if let key = declaration.key {
            keyPath = self.keyPath(declaration, observation)
            if keyPath == nil { keyPath = try putKey(key, declaration, on: host) }
        }
        if changes.contains(where: { $0.attribute != "lists" }) {
            let file = SourcesFile(declaration, keyPath: keyPath)
            let text = file.text(declaration)
            try attempt("write \(declaration.path)") { () throws(SystemError) in
                try machine.replaceFile(
                    declaration.path, content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
            }
            if let other = declaration.otherPath { try removeIfThere(other, on: machine) }
        }
        guard declaration.isEnabled else { return }
        if declaration.format == .repo {
            try Dnf.run(
                [
                    "--disablerepo=*", "--enablerepo=\(declaration.name)",
                    "--setopt=\(declaration.name).skip_if_unavailable=False", "makecache",
                    "--refresh",
                ], attempted: "fetch the metadata of the repository \(declaration.name)",
                hint: "check that the host can reach the address, and that repodata is below it",
                on: machine)
            return
        }
        try Apt.update(
            [
                "-o", "Dir::Etc::sourcelist=\(declaration.path)", "-o", "Dir::Etc::sourceparts=-",
                "-o", "APT::Get::List-Cleanup=0",
            ], attempted: "fetch the package lists of \(declaration.name)", on: host)
    }

    /// Writes the key with the extension that fits its content, and returns its path.
    private static func putKey(
        _ key: ResolvedContent, _ declaration: PackageRepositoryDeclaration, on host: Host
    ) throws(AgentFault) -> String {
        let machine = host.machine
        let content = try host.blob(key.digest)
        let isArmoured = content.starts(with: "-----BEGIN PGP".utf8)
        if declaration.format == .repo, !isArmoured {
            throw AgentFault(
                "binary-key", "put the key of package_repository \(declaration.name)",
                cause: "rpm reads only keys in ASCII armour, but this one is binary",
                hint: "convert it with `gpg --enarmor`, or export it with `gpg --armor --export`")
        }
        let path = declaration.keyPath(armoured: isArmoured)
        try attempt("write \(path)") { () throws(SystemError) in
            if try machine.statusIfPresent(declaration.keyFolder) == nil {
                try machine.makeDirectory(declaration.keyFolder, mode: 0o755, uid: 0, gid: 0)
            }
            try machine.replaceFile(path, content: content, mode: 0o644, uid: 0, gid: 0)
        }
        for other in declaration.keyPaths where other != path {
            try removeIfThere(other, on: machine)
        }
        return path
    }

    private static func remove(
        _ declaration: PackageRepositoryDeclaration, _ observation: Observation,
        on machine: any Machine
    ) throws(AgentFault) {
        // A key is removed only if the file names it, and therefore before the file.
        let key = signedBy(declaration, observation)
        for path in declaration.keyPaths where path == key {
            try removeIfThere(path, on: machine)
        }
        if let other = declaration.otherPath { try removeIfThere(other, on: machine) }
        try removeIfThere(declaration.path, on: machine)
    }

    private static func removeIfThere(
        _ path: String, on machine: any Machine
    ) throws(AgentFault) {
        try attempt("remove \(path)") { () throws(SystemError) in
            if try machine.statusIfPresent(path) != nil { try machine.remove(path) }
        }
    }
}
