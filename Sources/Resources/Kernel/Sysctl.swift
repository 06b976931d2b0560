import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `sysctl`.
package enum SysctlBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// The value in the running kernel.
        package var running: Running
        /// The setting that the next boot applies; nil if no file sets the key.
        package var persisted: SysctlFiles.Setting?
        /// Whether our own file has a line for the key.
        package var isInOwnFile: Bool
    }

    package enum Running: Sendable, Equatable {
        case value(String)
        case noSuchKey
        case unreadable(String)
        /// Not read, because the parameter is declared absent.
        case unmanaged
    }

    package static func observe(
        _ declarations: [SysctlDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let files: SysctlFiles
        do {
            files = try SysctlFiles(on: host.machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        let own = ownKeys(of: Set(declarations.map(\.file)), in: files)
        return declarations.map { declaration in
            .success(
                Observation(
                    running: declaration.isPresent
                        ? running(declaration.key, on: host.machine) : .unmanaged,
                    persisted: files.effective(declaration.key),
                    isInOwnFile: own[declaration.file]?.contains(declaration.key) ?? false))
        }
    }

    private static func ownKeys(
        of paths: Set<String>, in files: SysctlFiles
    ) -> [String: Set<SysctlKey>] {
        var keys: [String: Set<SysctlKey>] = [:]
        for (path, text) in files.files where paths.contains(path) {
            keys[path] = Set(SysctlFiles.parse(text, path: path).map(\.key))
        }
        return keys
    }

    private static func running(_ key: SysctlKey, on machine: any Machine) -> Running {
        do throws(SystemError) {
            let bytes = try machine.read(key.procPath, limit: 65_536)
            return .value(SysctlValue.normal(String(decoding: bytes, as: UTF8.self)))
        } catch {
            return error.isNotFound || error.code == EISDIR ? .noSuchKey : .unreadable(error.reason)
        }
    }

    package static func diff(
        _ declaration: SysctlDeclaration, _ observation: Observation
    ) -> Difference {
        guard let value = declaration.value else { return removal(declaration, observation) }
        let current: String
        switch observation.running {
        case .value(let text): current = text
        case .noSuchKey:
            return .notApplicable("this kernel has no parameter \(declaration.key.dotted)")
        case .unreadable(let reason):
            return .unknown("\(declaration.key.procPath) cannot be read: \(reason)")
        case .unmanaged: return .unknown("the running value was not read")
        }
        var changes: [Change] = []
        let declared = JSON.string(SysctlValue.normal(value))
        if !SysctlValue.same(current, value) {
            changes.append(
                Change("value", layer: .running, before: .string(current), after: declared))
        }
        let persisted = observation.persisted?.value
        if persisted.map({ SysctlValue.same($0, value) }) != true {
            changes.append(
                Change(
                    "value", layer: .persisted,
                    before: .optional(persisted.map(SysctlValue.normal)), after: declared,
                    source: observation.persisted?.source))
        }
        guard changes.isEmpty else { return .changes(changes) }
        return .asDeclared(
            "running \(current), persisted by \(observation.persisted?.source ?? "?")")
    }

    private static func removal(
        _ declaration: SysctlDeclaration, _ observation: Observation
    ) -> Difference {
        guard observation.isInOwnFile else { return .asDeclared("no line in \(declaration.file)") }
        return .changes([
            Change(
                "state", layer: .persisted, before: "present", after: "absent",
                source: declaration.file)
        ])
    }

    package static func beforeImages(
        _ declaration: SysctlDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        try fileImages(declaration.file, on: host) + runningImage(declaration, observation)
    }

    /// Reads each file once for all declarations that use it.
    package static func beforeImages(
        _ due: [DueChange<Self>], on host: Host
    ) -> [Result<[BeforeImage], AgentFault>] {
        var files: [String: Result<[BeforeImage], AgentFault>] = [:]
        for file in due.map(\.declaration.file) where files[file] == nil {
            files[file] =
                observeEach([file]) { (file) throws(AgentFault) in
                    try fileImages(file, on: host)
                }.first
        }
        return due.map { one in
            (files[one.declaration.file] ?? .success([])).map {
                $0 + runningImage(one.declaration, one.observation)
            }
        }
    }

    private static func fileImages(
        _ file: String, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        for path in [PathName.parent(of: file), file] {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            // An existing directory is not changed.
            if path == file || found.status == nil {
                images.append(try found.fullImage(path, on: host))
            }
        }
        return images
    }

    private static func runningImage(
        _ declaration: SysctlDeclaration, _ observation: Observation
    ) -> [BeforeImage] {
        guard case .value(let text) = observation.running else { return [] }
        return [.sysctl(key: declaration.key.dotted, value: text)]
    }

    package static func apply(
        _ declaration: SysctlDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let due = DueChange<Self>(declaration, observation, changes: changes)
        if let fault = SysctlChange.make([due], on: host.machine)[0] { throw fault }
    }

    package static var isAppliedTogether: Bool { true }

    package static func apply(_ due: [DueChange<Self>], on host: Host) -> [ChangeOutcome] {
        SysctlChange.make(due, on: host.machine).map { $0.map(ChangeOutcome.failed) ?? .made }
    }
}
