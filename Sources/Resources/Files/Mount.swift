import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `mount`.
package enum MountBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// The topmost mount at the path; nil if nothing is mounted there.
        var mounted: Mounted?
        var unitText: String?
        var isEnabled: Bool
        /// The number of the line in /etc/fstab that also mounts the path; nil if there is none.
        var fstabLine: Int?
    }

    struct Mounted: Sendable, Equatable {
        var device: String
        var type: String
        var options: Set<String>
    }

    package static func observe(
        _ declarations: [MountDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        do throws(AgentFault) {
            let mounts = try attempt("read /proc/self/mountinfo") { () throws(SystemError) in
                try MountTable.ofThisProcess(on: host.machine)
            }
            let fstab = try host.machine.readText("/etc/fstab") ?? ""
            return declarations.map { declaration in
                do throws(AgentFault) {
                    return .success(
                        Observation(
                            mounted: find(declaration.path, in: mounts),
                            unitText: try host.machine.readText(declaration.unitFile),
                            isEnabled: try attempt("check whether \(declaration.unit) is enabled") {
                                () throws(SystemError) in
                                try host.machine.statusIfPresent(link(declaration)) != nil
                            },
                            fstabLine: line(of: declaration.path, in: fstab)))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            return declarations.map { _ in .failure(error) }
        }
    }

    private static func link(_ declaration: MountDeclaration) -> String {
        "/etc/systemd/system/local-fs.target.wants/\(declaration.unit)"
    }

    /// The last mount at a path, which is the topmost: mountinfo lists mounts in order.
    private static func find(_ path: String, in table: MountTable) -> Mounted? {
        table.mounts.last { $0.path == path && !$0.type.isEmpty }.map { mount in
            Mounted(
                device: mount.device, type: mount.type,
                options: Set((mount.options + mount.superOptions).map(normal)))
        }
    }

    private static func line(of path: String, in fstab: String) -> Int? {
        for (index, line) in fstab.lines.enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1, !words[0].hasPrefix("#"), MountTable.unescaped(words[1]) == path {
                return index + 1
            }
        }
        return nil
    }

    /// An option with its size in bytes: the kernel may show 1024M for 1G.
    private static func normal(_ option: String) -> String {
        guard let equals = option.firstIndex(of: "=") else { return option }
        let value = option[option.index(after: equals)...]
        let units: [Character: Int] = ["k": 10, "m": 20, "g": 30]
        guard let last = value.lowercased().last, let shift = units[last],
            let number = Int(value.dropLast()), number < 1 << 20
        else { return option }
        return option[...equals] + String(number << shift)
    }

    private static func unitText(_ declaration: MountDeclaration) -> String {
        let options =
            declaration.options.isEmpty
            ? "" : "Options=\(declaration.options.joined(separator: ","))\n"
        return """
            # Declared to muster; muster-agent puts this file back.
            [Unit]
            Before=local-fs.target

            [Mount]
            What=\(declaration.device)
            Where=\(declaration.path)
            Type=\(declaration.type)
            \(options)
            [Install]
            WantedBy=local-fs.target

            """
    }

    /// Whether the kernel shows an option in mountinfo.
    ///
    /// It does not show defaults, nor options that mount(8) or systemd handle themselves.
    private static func shows(_ option: String) -> Bool {
        !["defaults", "rw", "auto", "noauto", "nofail", "_netdev", "exec", "suid", "dev", "async"]
            .contains(option) && !option.hasPrefix("x-")
    }

    package static func diff(
        _ declaration: MountDeclaration, _ observation: Observation
    ) -> Difference {
        if let line = observation.fstabLine {
            return .blocked(
                AgentFault(
                    "fstab", "manage the mount at \(declaration.path)",
                    cause: "/etc/fstab:\(line) mounts it too",
                    hint: "remove that line or the resource"))
        }
        guard declaration.isMounted else {
            var changes: [Change] = []
            if let mounted = observation.mounted {
                changes.append(
                    Change(
                        "state", layer: .running, before: .string(mounted.type), after: "absent",
                        disruption: .serviceRestart))
            }
            if observation.unitText != nil || observation.isEnabled {
                changes.append(Change("state", before: "mounted", after: "absent"))
            }
            return changes.isEmpty ? .asDeclared("nothing is mounted there") : .changes(changes)
        }
        var changes: [Change] = []
        if let mounted = observation.mounted {
            func compare(_ attribute: String, _ found: String, _ wanted: String) {
                if found != wanted {
                    changes.append(
                        Change(
                            attribute, layer: .running, before: .string(found),
                            after: .string(wanted), disruption: .serviceRestart))
                }
            }
            compare("fstype", mounted.type, declaration.type)
            if declaration.device.hasPrefix("/dev/disk/") == false {
                compare("device", mounted.device, declaration.device)
            }
            let missing = declaration.options.filter {
                shows($0) && !mounted.options.contains(normal($0))
            }
            if !missing.isEmpty {
                changes.append(
                    Change("options", layer: .running, before: nil, after: .strings(missing)))
            }
        } else {
            changes.append(Change("state", layer: .running, before: "absent", after: "mounted"))
        }
        if observation.unitText != unitText(declaration) {
            changes.append(
                Change(
                    "unit", before: observation.unitText == nil ? "absent" : "other",
                    after: .string(declaration.unit)))
        } else if !observation.isEnabled {
            changes.append(Change("enabled", before: false, after: true))
        }
        if !changes.isEmpty { return .changes(changes) }
        return .asDeclared(
            "\(declaration.type) from \(declaration.device), at boot by \(declaration.unit)")
    }

    package static func beforeImages(
        _ declaration: MountDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = [
            .unit(
                name: declaration.unit, active: observation.mounted == nil ? "inactive" : "active",
                enabled: observation.isEnabled ? "enabled" : "disabled")
        ]
        for path in [
            declaration.unitFile, PathName.parent(of: link(declaration)), link(declaration),
        ] {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        // A reload restores the earlier options.
        if observation.mounted != nil, declaration.isMounted {
            images.append(.derived("reload \(declaration.unit)"))
        }
        return images
    }

    package static func apply(
        _ declaration: MountDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        func systemctl(_ verb: String) throws(AgentFault) {
            try Systemctl.run(
                [verb, "--", declaration.unit], attempted: "\(verb) \(declaration.unit)",
                unit: declaration.unit, on: machine)
        }
        guard declaration.isMounted else {
            // If the mount is in use, stopping fails, and the unit is kept.
            if observation.mounted != nil { try systemctl("stop") }
            for path in [link(declaration), declaration.unitFile] {
                try attempt("remove \(path)") { () throws(SystemError) in
                    if try machine.statusIfPresent(path) != nil { try machine.remove(path) }
                }
            }
            return try host.share(SharedWait(.daemonReload))
        }
        try NewFile(
            path: declaration.unitFile, content: Array(unitText(declaration).utf8), mode: 0o644,
            uid: 0, gid: 0
        ).put(on: machine)
        try makeDirectory(PathName.parent(of: link(declaration)), on: machine)
        try attempt("enable \(declaration.unit)") { () throws(SystemError) in
            try machine.replaceLink(link(declaration), target: declaration.unitFile)
        }
        let running = changes.filter { $0.layer == .running }
        if running.isEmpty { return try host.share(SharedWait(.daemonReload)) }
        try host.share(
            SharedWait(
                .daemonReload, isFollowed: true,
                finish: { () throws(AgentFault) in
                    if observation.mounted == nil {
                        try systemctl("start")
                    } else if running.contains(where: { $0.attribute != "options" }) {
                        try systemctl("restart")
                    } else {
                        try systemctl("reload")
                    }
                }))
    }
}
