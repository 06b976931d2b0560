import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `nic`.
package enum NICBehaviour: ResourceBehaviour {
    package typealias Declaration = NICDeclaration

    package struct Observation: Sendable {
        struct Link: Sendable {
            let name: String
            var settings: [NICSetting]
            /// Whether the link is up, so that a change that takes it down disrupts traffic.
            var isUp: Bool
            /// Whether muster's own connection uses this link.
            var carriesUs: Bool
            /// The .link file and its texts; nil for a link without a permanent address.
            ///
            /// `wanted` is nil where the file is not to exist.
            var file: (path: String, now: String?, wanted: String?)?
            /// Another .link file that applies to the link, so that muster's would have no effect.
            var otherFile: String?
        }

        var links: [Link] = []
        /// Why no link was found.
        var obstacle: AgentFault?
        var boot: BootSettings.State
    }

    package static func observe(
        _ declarations: [NICDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let own: Set<String>
        do throws(AgentFault) {
            own = try OwnConnection(machine: host.machine).links()
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            try observe(declaration, own, on: host.machine)
        }
    }

    private static func observe(
        _ declaration: NICDeclaration, _ own: Set<String>, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        var observation = Observation(
            boot: try BootSettings.observe(declaration, on: machine))
        let names: [String]
        do {
            names = try NICFinder(machine: machine).links(declaration.name)
        } catch {
            guard ["no-device", "ambiguous"].contains(error.code) else { throw error }
            observation.obstacle = error
            return observation
        }
        let lines = declaration.isPresent ? NICLinkFile.lines(declaration) : []
        for name in names {
            let link = NICLink(name: name, machine: machine)
            let attempted = "ask the driver of \(name)"
            let (settings, isUp) = try attempt(attempted) { () throws(SystemError) in
                var settings: [NICSetting] = []
                if declaration.isPresent {
                    for section in declaration.sections {
                        settings += try section.settings(of: link)
                    }
                }
                return (settings, try LinkUpPart.flags(link) & 1 != 0)
            }
            var found = Observation.Link(
                name: name, settings: settings, isUp: isUp, carriesUs: own.contains(name))
            try observeFile(&found, lines, on: machine)
            observation.links.append(found)
        }
        return observation
    }

    private static func observeFile(
        _ link: inout Observation.Link, _ lines: [String], on machine: any Machine
    ) throws(AgentFault) {
        guard let address = try NICFinder.permanentAddress(of: link.name, on: machine) else {
            return
        }
        let path = NICLinkFile.path(address)
        let now = try machine.readText(path)
        let used = try NICLinkFile.used(link.name, on: machine)
        let isFree = NICLinkFile.isFree(used, address)
        link.file = (path, now, isFree ? NICLinkFile.text(address, lines) : nil)
        if !isFree, !lines.isEmpty { link.otherFile = used }
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: NICDeclaration, _ observation: Observation
    ) -> Difference {
        let persisted = persistedChanges(declaration, observation)
        guard declaration.isPresent else {
            return persisted.isEmpty
                ? .asDeclared("nothing is kept for the next boot") : .changes(persisted)
        }
        if let obstacle = observation.obstacle { return .blocked(obstacle) }
        for link in observation.links {
            if let fault = link.settings.lazy.compactMap({ impossible($0, on: link.name) }).first {
                return .blocked(fault)
            }
        }
        let running = observation.links.flatMap { changes($0, among: observation.links.count) }
        for link in observation.links where link.carriesUs && !declaration.mayCutOff {
            let flaps = link.settings.filter { $0.isToChange && isFlap($0, link) }
            if let first = flaps.first { return .blocked(cutOff(first, link.name)) }
        }
        let missing = observation.links.flatMap { link in
            link.settings.compactMap { setting -> String? in
                guard case .unsupported(let reason) = setting.found else { return nil }
                return "\(setting.attribute): \(reason)"
            }
        }
        if missing.count == observation.links.map(\.settings.count).reduce(0, +) {
            return .notApplicable(unique(missing).joined(separator: "; "))
        }
        let all = running + persisted
        if !all.isEmpty { return .changes(all) }
        let holds = observation.links.flatMap { link in
            link.settings.filter(\.isMet).map { "\($0.attribute) \($0.wanted)" }
        }
        var parts = [unique(holds).joined(separator: ", ") + ", kept for the next boot"]
        parts += unique(missing)
        for link in observation.links {
            if let other = link.otherFile {
                parts.append("only by the boot unit, because \(other) applies to \(link.name)")
            }
        }
        return .asDeclared(parts.joined(separator: "; "))
    }

    private static func unique(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }

    private static func isFlap(_ setting: NICSetting, _ link: Observation.Link) -> Bool {
        link.isUp && setting.disruption >= .linkFlap
    }

    private static func changes(_ link: Observation.Link, among count: Int) -> [Change] {
        link.settings.filter(\.isToChange).map { setting in
            Change(
                count > 1 ? "\(link.name).\(setting.attribute)" : setting.attribute,
                layer: .running, before: setting.shown.map { .string($0) },
                after: .string(setting.wanted),
                disruption: link.isUp ? setting.disruption : .none)
        }
    }

    private static func persistedChanges(
        _ declaration: NICDeclaration, _ observation: Observation
    ) -> [Change] {
        var changes = BootSettings.changes(declaration, observation.boot)
        // When it is kept for the first time, the running changes already list every value.
        if declaration.isPresent, observation.boot.recorded == nil {
            changes = [Change("state", before: "absent", after: "present")]
        }
        for link in observation.links {
            guard let file = link.file, file.now != file.wanted else { continue }
            changes.append(
                Change(
                    "link_file", before: .string(file.now == nil ? "absent" : "other"),
                    after: .string(file.wanted == nil ? "absent" : PathName.last(of: file.path))))
        }
        return changes
    }

    private static func impossible(_ setting: NICSetting, on link: String) -> AgentFault? {
        let attempted = "set \(setting.attribute) of \(link) to \(setting.wanted)"
        switch setting.found {
        case .fixed(let now) where now != setting.wanted:
            return AgentFault(
                "fixed", attempted,
                cause: "\(setting.attribute) is \(now), fixed by the driver or card",
                hint: "leave it out for this card, through a host or group variable")
        case .beyond(_, let most):
            return AgentFault(
                "out-of-range", attempted,
                cause: "\(setting.attribute): the card has \(most) at most",
                hint: "declare no more than that")
        default: return nil
        }
    }

    private static func cutOff(_ setting: NICSetting, _ link: String) -> AgentFault {
        AgentFault(
            "cuts-off", "set \(setting.attribute) of \(link) to \(setting.wanted)",
            cause:
                "setting \(setting.attribute) takes the link down, and muster's own connection "
                + "uses this link",
            hint: "connect through another link, or declare may_cut_off: true to do it anyway")
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: NICDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images = try BootSettings.images(declaration, on: host)
        var paths: [String] = []
        for link in observation.links {
            if let file = link.file, file.now != file.wanted {
                paths += file.wanted == nil ? [] : [PathName.parent(of: NICLinkFile.folder)]
                paths += file.wanted == nil ? [] : [NICLinkFile.folder]
                paths.append(file.path)
            }
            if link.settings.contains(where: \.isToChange) {
                images += try LinkParts.images(
                    declaration, NICLink(name: link.name, machine: host.machine))
            }
        }
        for path in unique(paths) {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            if found.status?.type != .directory {
                images.append(try found.fullImage(path, on: host))
            }
        }
        return images
    }

    package static func apply(
        _ declaration: NICDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        // The driver comes first: a value that it refuses must not be kept for the next boot.
        if changes.contains(where: { $0.layer == .running }) {
            for link in observation.links {
                try NICChange(declaration, NICLink(name: link.name, machine: machine), host.settle)
                    .make()
            }
        }
        guard changes.contains(where: { $0.layer == .persisted }) else { return }
        for link in observation.links {
            guard let file = link.file, file.now != file.wanted else { continue }
            if let wanted = file.wanted {
                try makeDirectory("/etc/systemd", on: machine)
                try makeDirectory(NICLinkFile.folder, on: machine)
                try NewFile(
                    path: file.path, content: Array(wanted.utf8), mode: 0o644, uid: 0, gid: 0
                ).put(on: machine)
            } else {
                try attempt("remove \(file.path)") { () throws(SystemError) in
                    try machine.remove(file.path)
                }
            }
        }
        try BootSettings.put(declaration, on: host)
    }
}
