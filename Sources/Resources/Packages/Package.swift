import FleetModel
import Kinds
import Linux
import Wire

/// Behaviour of `package`: reads dpkg's database or calls rpm once; apt or dnf make changes.
package enum PackageBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var manager: PackageManager
        /// nil where the database does not know the package.
        var entry: PackageEntry?
        /// Whether dpkg was interrupted while it worked on any package.
        var wasInterrupted: Bool
        /// Whether the host can hold packages.
        var canHold: Bool
        /// The versions that the package lists offer; nil where the lists were not read.
        var offered: [String]?
    }

    package static func observe(
        _ declarations: [PackageDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        do throws(AgentFault) {
            let database = try PackageDatabase(of: declarations.map(\.name), on: host.machine)
            var observations = declarations.map {
                Observation(
                    manager: database.manager, entry: database.entry($0.name),
                    wasInterrupted: database.wasInterrupted, canHold: database.canHold)
            }
            // Only root may read dnf's cache: dnf is asked when the change is applied.
            if database.manager == .dnf { return observations.map { .success($0) } }
            // Opening the lists takes half a second, so they are read only for packages to install.
            let missing = declarations.indices.filter {
                wantsInstall(declarations[$0], observations[$0]) && declarations[$0].archive == nil
                    && observations[$0].entry?.halfWay == nil
            }
            let names = missing.map { declarations[$0].name }
            let offered = try Apt.offered(names, on: host.machine)
            for index in missing {
                observations[index].offered = offered[declarations[index].name] ?? []
            }
            return observations.map { .success($0) }
        } catch {
            return declarations.map { _ in .failure(error) }
        }
    }

    /// Whether the package must be installed, or another version of it.
    private static func wantsInstall(
        _ declaration: PackageDeclaration, _ observation: Observation
    ) -> Bool {
        guard declaration.state == .present else { return false }
        guard let entry = observation.entry, entry.isInstalled else { return true }
        return declaration.version.map { !entry.has($0) } ?? false
    }

    /// Whether the package, or its configuration files, must be removed.
    private static func wantsRemoval(
        _ declaration: PackageDeclaration, _ entry: PackageEntry?
    ) -> Bool {
        guard let entry, entry.isKnown else { return false }
        switch declaration.state {
        case .present: return false
        case .absent: return !entry.hasConfigurationFiles
        case .purged: return true
        }
    }

    package static func diff(
        _ declaration: PackageDeclaration, _ observation: Observation
    ) -> Difference {
        let entry = observation.entry
        let installs = wantsInstall(declaration, observation)
        let removes = wantsRemoval(declaration, entry)
        if let fault = obstacle(declaration, observation, isChanged: installs || removes) {
            return .blocked(fault)
        }
        var changes: [Change] = []
        let isThere = entry?.isInstalled ?? false
        if installs {
            changes.append(installation(declaration, observation, isThere: isThere))
        }
        if removes {
            let before = isThere ? "present" : entry?.status ?? "absent"
            changes.append(
                Change(
                    "state", layer: .onDisk, before: .string(before),
                    after: .string(declaration.state.rawValue),
                    disruption: isThere ? .serviceRestart : .none))
        }
        if let hold = declaration.hold, hold != (entry?.isHeld ?? false) {
            changes.append(Change("hold", before: .bool(!hold), after: .bool(hold)))
        } else if declaration.hold == true, !installs, let lock = entry?.staleLock {
            changes.append(Change("hold", before: .string(lock), after: true))
        }
        return changes.isEmpty ? .asDeclared(reason(declaration, entry)) : .changes(changes)
    }

    private static func installation(
        _ declaration: PackageDeclaration, _ observation: Observation, isThere: Bool
    ) -> Change {
        let isOffered =
            declaration.archive != nil
            || declaration.version.map { observation.offered?.contains($0) ?? true }
                ?? !(observation.offered?.isEmpty ?? false)
        let source =
            isOffered || observation.manager == .dnf
            ? nil : "not in the package lists, which are refreshed first"
        if let version = declaration.version {
            return Change(
                "version", layer: .onDisk,
                before: isThere ? .optional(observation.entry?.version) : nil,
                after: .string(version), disruption: isThere ? .serviceRestart : .none,
                source: source)
        }
        return Change("state", layer: .onDisk, before: "absent", after: "present", source: source)
    }

    /// Why the package cannot be made as declared; nil where it can.
    private static func obstacle(
        _ declaration: PackageDeclaration, _ observation: Observation, isChanged: Bool
    ) -> AgentFault? {
        let name = declaration.name
        let attempted = "make package \(name) \(declaration.state.rawValue)"
        let entry = observation.entry
        if let entry, let halfWay = entry.halfWay {
            return AgentFault(
                "dpkg-interrupted", attempted,
                cause:
                    "an earlier installation left \(name) \(entry.version) \(halfWay)",
                hint: "run `dpkg --configure -a` or `apt-get --fix-broken install` on the host")
        }
        if declaration.hold == true, !observation.canHold {
            return AgentFault(
                "no-versionlock", "hold package \(name)",
                cause: "dnf's versionlock plugin is not installed or not enabled",
                hint: "declare the package python3-dnf-plugin-versionlock, and `requires` it here")
        }
        guard isChanged else { return nil }
        if observation.wasInterrupted { return .interruptedDpkg(attempted) }
        guard let entry, entry.isInstalled else { return nil }
        if entry.isHeld, declaration.hold == nil {
            return AgentFault(
                "held", attempted, cause: "\(name) is held at \(entry.version)",
                hint: "declare `hold: true` (or false), so that muster may lift the hold")
        }
        if let version = declaration.version, !declaration.allowsDowngrade,
            observation.manager.compare(version, entry.version) < 0
        {
            return AgentFault(
                "downgrade", attempted,
                cause: "\(entry.version) is installed, but \(version) is older",
                hint: "declare `allow_downgrade: true` if a downgrade is intended")
        }
        return nil
    }

    private static func reason(_ declaration: PackageDeclaration, _ entry: PackageEntry?) -> String
    {
        guard let entry, entry.isInstalled else {
            if let entry, entry.hasConfigurationFiles { return "removed, configuration files kept" }
            return "not installed"
        }
        let version = declaration.version.flatMap { entry.has($0) ? $0 : nil } ?? entry.version
        let others = ([entry.version] + entry.besides).filter { $0 != version }
        return version + " is installed"
            + (others.isEmpty ? "" : " besides " + others.joined(separator: ", "))
            + (entry.isHeld ? ", held" : "")
    }

    package static func beforeImages(
        _ declaration: PackageDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        let entry = observation.entry
        var images: [BeforeImage] = [
            .package(
                name: declaration.name, version: entry?.isInstalled == true ? entry?.version : nil,
                held: entry?.isHeld ?? false)
        ]
        // A new installation would bring the package's own files instead of these.
        for path in declaration.state == .purged ? entry?.configurationFiles ?? [] : [] {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            if found.status?.type == .file { images.append(try found.fullImage(path, on: host)) }
        }
        if observation.manager == .dnf, observation.canHold {
            // The whole file is kept: locks may be patterns, or for versions not installed.
            let path = try VersionLock(on: host.machine).path
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        return images
    }

    package static func apply(
        _ declaration: PackageDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let due = DueChange<Self>(declaration, observation, changes: changes)
        if let fault = PackageTransaction.make([due], on: host)[0] { throw fault }
    }

    package static var isAppliedTogether: Bool { true }

    package static func apply(_ due: [DueChange<Self>], on host: Host) -> [ChangeOutcome] {
        PackageTransaction.make(due, on: host).map { $0.map(ChangeOutcome.failed) ?? .made }
    }
}
