import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `onload_profile`.
package enum OnloadProfileBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var path: PathObservation
        var text: String?
        /// The settings that the existing file results in, and those of the declared one.
        var found: ProfileSettings?
        var wanted: ProfileSettings
        /// Declared names that the library does not know, with similar ones that it knows.
        var unknown: [(name: String, alike: [String])]
        var hasLibrary: Bool
        /// Programs that run with other settings: `feed (573) EF_POLL_USEC 0`.
        var others: [String]
    }

    package static func observe(
        _ declarations: [OnloadProfileDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        let names: OnloadOptionNames?
        do throws(AgentFault) {
            names = try OnloadOptionNames(on: machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            let text = try machine.readText(declaration.path)
            let wanted = try ProfileSettings(
                ProfileText.text(declaration), of: declaration.name, on: machine)
            let unknown = names.map { names in
                declaration.settings.keys.sorted().filter { !names.names.contains($0) }
                    .map { ($0, names.alike($0)) }
            }
            return Observation(
                path: try PathObservation(declaration.path, accounts: Accounts(), on: machine),
                text: text,
                found: try text.map { (text) throws(AgentFault) in
                    try ProfileSettings(text, of: declaration.name, on: machine)
                },
                wanted: wanted, unknown: unknown ?? [], hasLibrary: names != nil,
                others: try others(declaration, wanted, on: machine))
        }
    }

    /// Running programs of the profile whose environment has other settings.
    ///
    /// /proc/PID/environ keeps what a process was started with, whatever it sets later (proc(5)).
    private static func others(
        _ declaration: OnloadProfileDeclaration, _ wanted: ProfileSettings, on machine: any Machine
    ) throws(AgentFault) -> [String] {
        if declaration.programs.isEmpty { return [] }
        var others: [String] = []
        let names = try attempt("list /proc") { () throws(SystemError) in try machine.list("/proc")
        }
        for pid in names.compactMap({ Int($0) }).sorted() {
            let name = try ProcessFile.text("/proc/\(pid)/comm", on: machine)?.trimmingSpaces()
            guard let name, declaration.programs.contains(name) else { continue }
            let text = try ProcessFile.text("/proc/\(pid)/environ", on: machine) ?? ""
            var environment: [String: String] = [:]
            for entry in text.split(separator: "\0") {
                guard let equals = entry.firstIndex(of: "=") else { continue }
                environment[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
            }
            let differing = wanted.values.sorted { $0.key < $1.key }
                .filter { environment[$0.key] != $0.value }
                .map { "\($0.key) \(environment[$0.key] ?? "not set")" }
            if !differing.isEmpty {
                others.append("\(name) (\(pid)) with \(differing.joined(separator: ", "))")
            }
        }
        return others
    }

    package static func findings(
        _ declaration: OnloadProfileDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        guard declaration.isPresent else { return [] }
        var found: [HostFinding] = []
        let opaque = (observation.wanted.opaque + (observation.found?.opaque ?? []))
        if !opaque.isEmpty {
            let places = Set(opaque).sorted()
            found.append(
                HostFinding(
                    "opaque-profile", .info,
                    "settings made by shell code are not known: \(places.prefix(10).joined(separator: ", "))"
                        + (places.count > 10 ? " and \(places.count - 10) more lines" : "")))
        }
        if !observation.others.isEmpty {
            found.append(
                HostFinding(
                    "other-settings",
                    "runs with other settings until it is restarted: "
                        + observation.others.joined(separator: "; ")))
        }
        return found
    }

    package static func diff(
        _ declaration: OnloadProfileDeclaration, _ observation: Observation
    ) -> Difference {
        guard declaration.isPresent else {
            guard observation.path.status != nil else { return .asDeclared("not there") }
            return .changes([Change("state", before: "present", after: "absent")])
        }
        if let fault = obstacle(declaration, observation) { return .blocked(fault) }
        guard let found = observation.found else {
            return .changes([Change("state", before: nil, after: "present")])
        }
        if observation.text == ProfileText.text(declaration), observation.path.status?.mode == 0o644
        {
            let count = observation.wanted.values.count
            return .asDeclared("\(count) setting\(count == 1 ? "" : "s")")
        }
        let names = Set(found.values.keys).union(observation.wanted.values.keys).sorted()
        let changes = names.compactMap { name in
            let (before, after) = (found.values[name], observation.wanted.values[name])
            return before == after
                ? nil
                : Change("settings.\(name)", before: .optional(before), after: .optional(after))
        }
        return .changes(
            changes.isEmpty ? [Change("content", before: "other", after: "as declared")] : changes)
    }

    private static func obstacle(
        _ declaration: OnloadProfileDeclaration, _ observation: Observation
    ) -> AgentFault? {
        let attempted = "write the profile \(declaration.name)"
        guard observation.hasLibrary else {
            return AgentFault(
                "not-installed", attempted, cause: "OpenOnload is not installed",
                hint: "declare onload before it")
        }
        if let first = observation.unknown.first {
            return AgentFault(
                "unknown-setting", attempted,
                cause: "the installed library does not know "
                    + observation.unknown.map(\.name).joined(separator: ", "),
                hint: first.alike.isEmpty
                    ? "correct the name" : "it knows \(first.alike.joined(separator: ", "))")
        }
        if let missing = observation.wanted.missing.first {
            return AgentFault(
                "no-profile", attempted,
                cause: "it imports \(missing), and there is no such profile",
                hint: "declare that profile too, or correct imports")
        }
        return nil
    }

    package static func beforeImages(
        _ declaration: OnloadProfileDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        [try observation.path.fullImage(declaration.path, on: host)]
    }

    package static func apply(
        _ declaration: OnloadProfileDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        guard declaration.isPresent else {
            return try attempt("remove \(declaration.path)") { () throws(SystemError) in
                try machine.remove(declaration.path)
            }
        }
        try makeDirectory(OnloadProfileDeclaration.folder, on: machine)
        try NewFile(
            path: declaration.path, content: Array(ProfileText.text(declaration).utf8), mode: 0o644,
            uid: 0, gid: 0
        ).put(on: machine)
    }
}
