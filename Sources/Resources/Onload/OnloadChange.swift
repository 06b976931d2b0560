import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Sets up OpenOnload as declared.
struct OnloadChange {
    let declaration: OnloadDeclaration
    let host: Host
    private var machine: any Machine { host.machine }

    init(declaration: OnloadDeclaration, host: Host) {
        self.declaration = declaration
        self.host = host
    }

    func make(_ observation: OnloadBehaviour.Observation) throws(AgentFault) {
        var found = observation
        if OnloadBehaviour.installs(declaration, found) {
            // The old modules must not be in use, or the new library would meet the old driver.
            if declaration.reloads, found.running.modules["onload"] != nil {
                try reload(found).refuseWhileUsed(isFull: true)
            }
            try OnloadArchive(declaration: declaration, host: host).install(over: found.disk)
            found = try OnloadBehaviour.observation(of: declaration, on: machine)
            if case .blocked(let fault) = OnloadBehaviour.diff(declaration, found) { throw fault }
        }
        if found.disk.sfcPassedOver != nil {
            try overrideDepmod(found)
            found = try OnloadBehaviour.observation(of: declaration, on: machine)
        }
        let changes = OnloadBehaviour.changes(declaration, found, installs: false)
        let reloading = declaration.reloads ? changes.filter { $0.disruption == .moduleReload } : []
        let isFull = reloading.contains(where: OnloadBehaviour.flapsPorts)
        if !reloading.isEmpty { try reload(found).refuseWhileUsed(isFull: isFull) }
        // If the kernel refuses options now, the next boot must not use them.
        let options = try Restoration.path(OnloadDeclaration.optionsFile, on: machine)
        try keep(found)
        try undoing { (undo) throws(AgentFault) in
            undo.add(options)
            if !reloading.isEmpty {
                undo.add(modules(found))
                try reload(found).run(isFull: isFull)
            } else {
                try load(changes, &undo)
            }
            try writeParameters(changes, isReloaded: !reloading.isEmpty, &undo)
        }
        try setDevices()
        if changes.contains(where: { $0.attribute == "initramfs" }) {
            // Last, so that it never holds options that the kernel has just refused.
            try host.share(SharedWait(.initramfs))
        }
    }

    /// Reports if the modules in memory differ from before: a reload cannot bring old ones back.
    private func modules(_ found: OnloadBehaviour.Observation) -> Restoration {
        Restoration("OpenOnload's modules in memory") { () throws(AgentFault) in
            try OnloadKernel(declaration, on: machine).modules == found.running.modules
        } putBack: { () throws(AgentFault) in
            throw AgentFault(
                "not-put-back", "put back OpenOnload's modules",
                cause: "they differ from those before, and only those on disk can be loaded")
        }
    }

    private func reload(_ found: OnloadBehaviour.Observation) -> OnloadReload {
        OnloadReload(declaration: declaration, found: found, host: host)
    }

    // MARK: Files

    private func keep(_ found: OnloadBehaviour.Observation) throws(AgentFault) {
        let settings = found.settings
        let options = OnloadSettings.optionsText(declaration)
        if settings.optionsText != options {
            try NewFile.keep(OnloadDeclaration.optionsFile, options, on: machine)
        }
        let rules = OnloadSettings.rulesText(declaration)
        if settings.rulesText != rules {
            try NewFile.keep(OnloadDeclaration.rulesFile, rules, on: machine)
        }
        if !settings.isLoadedAtBoot {
            try NewFile.keep(
                OnloadDeclaration.loadFile, OnloadSettings.head + "onload\n", on: machine)
        }
        let old = settings.sysconfigText ?? ""
        let text = OnloadSettings.sysconfigText(declaration.sysconfig, in: old)
        if text != old {
            let path = OnloadDeclaration.sysconfigFile
            try makeDirectory(PathName.parent(of: path), on: machine)
            try NewFile(
                path: path, content: Array(text.utf8), mode: settings.sysconfigMode, uid: 0, gid: 0
            ).put(on: machine)
        }
        let persisted = try ModprobeOptions(on: machine)
        for (module, options) in declaration.options.sorted(by: { $0.key < $1.key }) {
            for (key, wanted) in options.sorted(by: { $0.key < $1.key }) {
                let found = persisted.of(module)[key]
                guard found?.text == wanted else {
                    throw AgentFault(
                        "overridden", "set \(key) of \(module) to \(wanted)",
                        cause: "\(found?.source ?? "a file"), read after "
                            + "\(OnloadDeclaration.optionsFile), sets it to \(found?.text ?? "nothing")",
                        hint: "remove it from that file")
                }
            }
        }
    }

    /// Tells depmod to prefer the directory that holds onload (depmod.d(5)).
    private func overrideDepmod(_ found: OnloadBehaviour.Observation) throws(AgentFault) {
        guard let passedOver = found.disk.sfcPassedOver else { return }
        let root = "/lib/modules/\(found.kernel)/"
        let folder = String(PathName.parent(of: passedOver.path).dropFirst(root.utf8.count))
        try Depmod.prefer(folder, kernel: found.kernel, on: machine)
    }

    // MARK: The kernel

    /// Loads the modules that are not in memory yet.
    private func load(_ changes: [Change], _ undo: inout Undo) throws(AgentFault) {
        for change in changes where change.attribute.hasPrefix("modules.") && change.before == nil {
            let module = String(change.attribute.dropFirst("modules.".count))
            undo.add(.module(module, isLoaded: false, on: machine))
            try Modprobe.run([module], node: declaration.node, on: machine)
        }
    }

    /// Writes the parameters that can be changed at run time; a reload takes them from the file.
    private func writeParameters(
        _ changes: [Change], isReloaded: Bool, _ undo: inout Undo
    ) throws(AgentFault) {
        if isReloaded { return }
        for change in changes
        where change.layer == .running && change.disruption == .none
            && change.attribute.hasPrefix("options.")
        {
            let parts = change.attribute.split(separator: ".").map(String.init)
            let path = "/sys/module/\(parts[1])/parameters/\(parts[2])"
            undo.add(.kernelFile(path, change.before?.string ?? "", on: machine))
            try attempt("set \(path)") { () throws(SystemError) in
                try machine.writeInPlace(path, Array(((change.after?.string ?? "") + "\n").utf8))
            }
        }
    }

    /// Gives the existing devices their mode and owner.
    ///
    /// It waits for udev first, which sets the mode of a new device shortly after it appears.
    private func setDevices() throws(AgentFault) {
        let udevadm = "/usr/bin/udevadm"
        if try OnloadDisk.isThere(udevadm, on: machine) {
            _ = try attempt("wait for udev") { () throws(SystemError) in
                try machine.run(ProgramCall(udevadm, ["settle", "--timeout=20"]))
            }
        }
        let settings = try OnloadSettings(declaration, on: machine)
        for (name, device) in settings.devices.sorted(by: { $0.key < $1.key }) {
            let wanted = settings.wanted(name, declaration.sysconfig)
            let path = "/dev/\(name)"
            try attempt("set mode and owner of \(path)") { () throws(SystemError) in
                let uid = wanted.uid ?? device.uid
                let gid = wanted.gid ?? device.gid
                if uid != device.uid || gid != device.gid {
                    try machine.setOwner(path, uid: uid, gid: gid)
                }
                if let mode = wanted.mode, mode != device.mode { try machine.setMode(path, mode) }
            }
        }
    }
}
