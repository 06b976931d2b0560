import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `directory`.
package enum DirectoryBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        package var path: PathObservation
        /// Whether the directory has entries; read only if it is declared absent.
        package var hasEntries = false
        /// The entries to be removed, each directory before its contents.
        package var doomed: [DirectoryTree.Entry] = []
    }

    package static func observe(
        _ declarations: [DirectoryDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        observeEach(declarations, on: host, owner: \.owner, group: \.ownerGroup) {
            (declaration, accounts) throws(AgentFault) in
            let path = try PathObservation(
                declaration.path, owner: declaration.owner, group: declaration.ownerGroup,
                accounts: accounts, on: host.machine)
            var observation = Observation(path: path)
            guard let status = path.status else { return observation }
            try checkType(declaration, path)
            if !declaration.isPresent {
                observation.hasEntries = try attempt("list \(declaration.path)") {
                    () throws(SystemError) in
                    try !host.machine.list(declaration.path).isEmpty
                }
            }
            if declaration.purges {
                let tree = DirectoryTree(
                    path: declaration.path, device: status.device, limit: declaration.purgeLimit)
                observation.doomed = try tree.entries(on: host.machine) { keeps(declaration, $0) }
                try checkSpares(host.stateDirectory, declaration, observation.doomed)
            }
            return observation
        }
    }

    private static func checkType(
        _ declaration: DirectoryDeclaration, _ found: PathObservation
    ) throws(AgentFault) {
        guard let type = found.status?.type, type != .directory else { return }
        let noun = PathText.noun(type, linkTarget: found.linkTarget)
        throw AgentFault(
            "wrong-type",
            "\(declaration.isPresent ? "create" : "remove") the directory \(declaration.path)",
            cause: "there is \(noun)",
            hint: type == .symlink
                ? "symlinks are not followed: declare the directory that it points to"
                : "remove it by hand, or correct the path")
    }

    /// Refuses a purge that would take the agent's own state, which `agent_dir` puts anywhere.
    private static func checkSpares(
        _ state: String, _ declaration: DirectoryDeclaration, _ doomed: [DirectoryTree.Entry]
    ) throws(AgentFault) {
        guard
            let entry = doomed.first(where: {
                $0.path == state || $0.path.hasPrefix(state + "/") || state.hasPrefix($0.path + "/")
            })
        else { return }
        throw AgentFault(
            "own-state", "purge \(declaration.path)",
            cause: "the agent keeps its state in \(state), and \(entry.shown) would be removed",
            hint: "add it to the purge's exceptions, or set agent_dir to another directory")
    }

    private static func keeps(_ declaration: DirectoryDeclaration, _ name: String) -> Bool {
        // A directory that is removed keeps nothing.
        guard declaration.isPresent else { return false }
        return declaration.declaredNames.contains(name)
            || declaration.exceptions.contains { NamePattern.matches($0, name) }
    }

    package static func diff(
        _ declaration: DirectoryDeclaration, _ observation: Observation
    ) -> Difference {
        let found = observation.path
        guard declaration.isPresent else { return removal(declaration, observation) }
        let attempted = "create the directory \(declaration.path)"
        if let obstacle = found.obstacle(to: attempted, path: declaration.path) {
            return .blocked(obstacle)
        }
        var changes: [Change] = []
        if found.status == nil {
            changes.append(Change("state", before: "absent", after: "present"))
        }
        changes += found.metadataChanges(
            mode: declaration.mode, owner: declaration.owner, group: declaration.ownerGroup,
            newMode: 0o755)
        changes += purgeChange(observation)
        guard changes.isEmpty else { return .changes(changes) }
        let reasons =
            ["exists"]
            + found.metadataReasons(
                mode: declaration.mode, owner: declaration.owner, group: declaration.ownerGroup)
            + (declaration.purges ? ["no undeclared entries"] : [])
        return .asDeclared(reasons.joined(separator: ", "))
    }

    private static func purgeChange(_ observation: Observation) -> [Change] {
        if observation.doomed.isEmpty { return [] }
        return [Change("purge", before: .strings(observation.doomed.map(\.shown)), after: nil)]
    }

    private static func removal(
        _ declaration: DirectoryDeclaration, _ observation: Observation
    ) -> Difference {
        if observation.path.status == nil { return .asDeclared("not there") }
        if observation.hasEntries && !declaration.purges {
            return .blocked(
                AgentFault(
                    "not-empty", "remove the directory \(declaration.path)",
                    cause: "it is not empty",
                    hint: "declare its entries absent too, or add purge: true"))
        }
        return .changes(
            [Change("state", before: "present", after: "absent")] + purgeChange(observation))
    }

    package static func beforeImages(
        _ declaration: DirectoryDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images = [try observation.path.fullImage(declaration.path, on: host)]
        for entry in observation.doomed {
            let found = try PathObservation(entry.path, accounts: Accounts(), on: host.machine)
            // Nil if it was removed since it was read: then there is nothing to restore.
            if found.status != nil { images.append(try found.fullImage(entry.path, on: host)) }
        }
        return images
    }

    package static func apply(
        _ declaration: DirectoryDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let found = observation.path
        for entry in observation.doomed.reversed() { try remove(entry.path, on: host.machine) }
        guard declaration.isPresent else {
            return try remove(declaration.path, on: host.machine)
        }
        guard found.status == nil else {
            return try found.applyMetadata(
                declaration.path, mode: declaration.mode, on: host.machine)
        }
        try attempt("create the directory \(declaration.path)") { () throws(SystemError) in
            try host.machine.makeDirectory(
                declaration.path, mode: declaration.mode ?? 0o755, uid: found.ownership.uid ?? 0,
                gid: found.ownership.gid ?? 0)
        }
    }

    private static func remove(_ path: String, on machine: any Machine) throws(AgentFault) {
        do {
            try machine.remove(path)
        } catch {
            // If it is already gone, the declared state is reached.
            if !error.isNotFound { throw AgentFault("remove \(path)", error) }
        }
    }
}
