import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Removes OpenOnload: unloads its modules, uninstalls an archive and removes muster's files.
enum OnloadRemoval {
    static func diff(_ observation: OnloadBehaviour.Observation) -> Difference {
        var changes: [Change] = []
        if observation.disk.hasManifest {
            changes.append(
                Change(
                    "version", layer: .onDisk,
                    before: .optional(observation.disk.banner?.version.text),
                    after: nil))
        }
        for path in files(observation) {
            changes.append(Change("state", before: .string(path), after: nil))
        }
        if let (copy, own) = copy(observation) {
            changes.append(
                Change(
                    "initramfs", before: .string("sfc \(copy.label)"),
                    after: .string("sfc \(own.label)")))
        }
        // sfc stays: it is the driver of the ports.
        for name in ["onload", "sfc_char", "sfc_resource"]
        where observation.running.modules[name] != nil {
            changes.append(
                Change(
                    "modules.\(name)", layer: .running,
                    before: .string(observation.runningLabel(name)), after: nil,
                    disruption: .moduleReload))
        }
        return changes.isEmpty
            ? .asDeclared("not loaded, and muster keeps no file for it") : .changes(changes)
    }

    /// The vendor's sfc in the initramfs, which the next boot would load, and the kernel's own.
    private static func copy(
        _ observation: OnloadBehaviour.Observation
    ) -> (copy: ModuleFile, own: ModuleFile)? {
        guard case .copy(let copy, _) = observation.initramfs,
            let own = observation.disk.sfcOfKernel, copy.buildID != own.buildID
        else { return nil }
        return (copy, own)
    }

    private static func files(_ observation: OnloadBehaviour.Observation) -> [String] {
        let settings = observation.settings
        return [
            (OnloadDeclaration.optionsFile, settings.optionsText),
            (OnloadDeclaration.overrideFile, settings.overrideText),
            (OnloadDeclaration.loadFile, settings.loadText),
            (OnloadDeclaration.rulesFile, settings.rulesText),
        ].compactMap { $0.1 == nil ? nil : $0.0 }
    }

    static func apply(
        _ declaration: OnloadDeclaration, _ observation: OnloadBehaviour.Observation, on host: Host
    ) throws(AgentFault) {
        let reload = OnloadReload(declaration: declaration, found: observation, host: host)
        if observation.running.modules["onload"] != nil {
            try reload.refuseWhileUsed(isFull: false, to: "unload OpenOnload's modules")
        }
        try reload.unload(isFull: false)
        if observation.running.modules["sfc_resource"] != nil {
            try Modprobe.run(["-r", "sfc_resource"], on: host.machine)
            // modprobe -r also unloads modules that only this one used, perhaps the ports' driver.
            try reload.restorePorts(after: nil)
        }
        if observation.disk.hasManifest {
            try OnloadArchive(declaration: declaration, host: host).uninstall()
        }
        for path in files(observation) {
            try attempt("remove \(path)") { () throws(SystemError) in
                try host.machine.remove(path)
            }
        }
        if copy(observation) != nil { try putBack(observation, on: host) }
    }

    /// Makes an initramfs that holds the kernel's own sfc, even if the vendor's is still on disk.
    private static func putBack(
        _ observation: OnloadBehaviour.Observation, on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let kernel = observation.kernel
        try Depmod.prefer(OnloadDisk.folderOfKernel, kernel: kernel, on: machine)
        try host.share(
            SharedWait(
                .initramfs,
                finish: { () throws(AgentFault) in
                    try Depmod.prefer(nil, kernel: kernel, on: machine)
                },
                undo: { fault in
                    do throws(AgentFault) {
                        try Depmod.prefer(nil, kernel: kernel, on: machine)
                        return fault
                    } catch {
                        var both = fault
                        both.cause += "; not put back: depmod's own choice of sfc (\(error.cause))"
                        return both
                    }
                }))
    }
}
