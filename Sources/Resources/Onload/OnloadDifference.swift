import FleetModel
import Kinds
import Linux
import Wire

extension OnloadBehaviour {
    /// All changes that are to be made, in their order; pure.
    static func changes(
        _ declaration: OnloadDeclaration, _ observation: Observation, installs: Bool
    ) -> [Change] {
        let disk = observation.disk
        var changes: [Change] = []
        if installs {
            changes.append(
                Change(
                    "version", layer: .onDisk, before: .optional(disk.banner?.version.text),
                    after: .string(declaration.version)))
        }
        var observation = observation
        if let passedOver = disk.sfcPassedOver {
            changes.append(
                Change(
                    "depmod", before: .optional(disk.modules["sfc"]?.path),
                    after: .string(passedOver.path)))
            // The changes below are computed as if depmod preferred this sfc already.
            observation.disk.modules["sfc"] = passedOver
        }
        changes += kept(declaration, observation)
        if case .copy(let copy, _) = observation.initramfs,
            let sfc = observation.disk.modules["sfc"], sfc.buildID != copy.buildID
        {
            changes.append(
                Change(
                    "initramfs", before: .string("sfc \(copy.label)"),
                    after: .string("sfc \(sfc.label)")))
        }
        changes += devices(declaration, observation)
        return changes + inMemory(declaration, observation, installs: installs)
    }

    private static func kept(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [Change] {
        let settings = observation.settings
        var changes: [Change] = []
        for (module, options) in declaration.options.sorted(by: { $0.key < $1.key }) {
            for (key, wanted) in options.sorted(by: { $0.key < $1.key }) {
                let found = settings.persisted[module]?[key]
                if found?.text != wanted {
                    changes.append(
                        Change(
                            "options.\(module).\(key)", before: .optional(found?.text),
                            after: .string(wanted), source: found?.source))
                }
            }
        }
        if changes.isEmpty, settings.optionsText != OnloadSettings.optionsText(declaration) {
            changes.append(
                Change(
                    "options", before: settings.optionsText == nil ? nil : "other",
                    after: declaration.options.isEmpty ? nil : "as declared"))
        }
        if !settings.isLoadedAtBoot {
            changes.append(Change("at_boot", before: false, after: true))
        }
        let rules = OnloadSettings.rulesText(declaration)
        if settings.rulesText != rules {
            changes.append(
                Change(
                    "device_rules", before: settings.rulesText == nil ? nil : "other",
                    after: rules == nil ? nil : "as declared"))
        }
        for (key, wanted) in declaration.sysconfig.sorted(by: { $0.key < $1.key }) {
            let found = OnloadSettings.value(key, in: settings.sysconfigText ?? "")
            if found != wanted {
                changes.append(
                    Change("sysconfig.\(key)", before: .optional(found), after: .string(wanted)))
            }
        }
        return changes
    }

    /// Devices whose mode or owner is not as declared.
    private static func devices(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [Change] {
        let settings = observation.settings
        return settings.devices.sorted { $0.key < $1.key }.compactMap { name, device in
            let wanted = settings.wanted(name, declaration.sysconfig)
            let mode = wanted.mode ?? device.mode
            let uid = wanted.uid ?? device.uid
            let gid = wanted.gid ?? device.gid
            if mode == device.mode, uid == device.uid, gid == device.gid { return nil }
            func text(_ mode: UInt32, _ uid: UInt32, _ gid: UInt32) -> JSON {
                .string(
                    "\(OnloadSkew.octal(mode)) \(settings.accounts.userName(uid)):"
                        + settings.accounts.groupName(gid))
            }
            return Change(
                "devices.\(name)", layer: .running,
                before: text(device.mode, device.uid, device.gid), after: text(mode, uid, gid))
        }
    }

    private static func inMemory(
        _ declaration: OnloadDeclaration, _ observation: Observation, installs: Bool
    ) -> [Change] {
        var changes: [Change] = []
        let ports = observation.ports.map(\.name).joined(separator: ", ")
        for name in OnloadDeclaration.modules {
            let isLoaded = observation.running.modules[name] != nil
            let loaded = observation.runningLabel(name)
            // Before the archive is installed, only its version is known.
            let replaced = installs && name == "onload" && isLoaded && loaded != declaration.version
            if observation.isStale(name) || replaced {
                changes.append(
                    Change(
                        "modules.\(name)", layer: .running, before: .string(loaded),
                        after: .string(
                            replaced ? declaration.version : observation.diskLabel(name)),
                        disruption: .moduleReload))
            }
            let isMissed = name == "onload" || name == "sfc" && observation.hasUnservedCard
            if !isLoaded, isMissed {
                changes.append(
                    Change(
                        "modules.\(name)", layer: .running, before: nil,
                        after: .string(installs ? declaration.version : observation.diskLabel(name))
                    ))
            }
            for (key, wanted) in (declaration.options[name] ?? [:]).sorted(by: { $0.key < $1.key })
            {
                guard let found = observation.running.modules[name]?.parameters[key],
                    !KernelModuleBehaviour.same(found.text, wanted)
                else { continue }
                changes.append(
                    Change(
                        "options.\(name).\(key)", layer: .running, before: .string(found.text),
                        after: .string(wanted),
                        disruption: found.isWritable ? .none : .moduleReload))
            }
        }
        if !ports.isEmpty, changes.contains(where: flapsPorts) {
            changes.append(
                Change(
                    "ports", layer: .running, before: .string(ports), after: "down and up again",
                    disruption: .moduleReload))
        }
        return changes
    }

    static func flapsPorts(_ change: Change) -> Bool {
        guard change.disruption == .moduleReload else { return false }
        let module = change.attribute.split(separator: ".").dropFirst().first.map(String.init)
        return flapsPorts(module ?? "")
    }

    /// Whether the module cannot be reloaded without reloading the driver of the ports.
    static func flapsPorts(_ module: String) -> Bool { ["sfc", "sfc_resource"].contains(module) }
}
