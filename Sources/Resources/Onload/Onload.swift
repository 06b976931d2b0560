import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `onload`.
package enum OnloadBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var isContainer: Bool
        /// The release of the kernel that runs.
        var kernel: String
        var disk: OnloadDisk
        var running: OnloadKernel
        var processes: OnloadProcesses
        var settings: OnloadSettings
        var initramfs: InitramfsModule
        var ports: [OnloadPort]
        var hasUnservedCard: Bool
        /// The port that muster's own connection uses.
        var ownPort: String?

        /// Modules in memory that differ from those on disk, with both: `onload 9.0.2 → 9.2.1`.
        var staleModules: [String] {
            OnloadDeclaration.modules.compactMap { name in
                isStale(name) ? "\(name) \(runningLabel(name)) → \(diskLabel(name))" : nil
            }
        }

        /// Whether the module in memory is not the one on disk; build-ids decide if both exist.
        func isStale(_ name: String) -> Bool {
            guard let loaded = running.modules[name], let file = disk.modules[name] else {
                return false
            }
            if !loaded.buildID.isEmpty, !file.buildID.isEmpty {
                return loaded.buildID != file.buildID
            }
            return loaded.version?.trimmingSpaces() != file.version?.trimmingSpaces()
        }

        func diskLabel(_ name: String) -> String { disk.modules[name]?.label ?? "none" }

        func runningLabel(_ name: String) -> String {
            guard let loaded = running.modules[name] else { return "none" }
            if let version = loaded.version.flatMap({ OnloadVersion($0) }) { return version.text }
            return "build \(loaded.buildID.prefix(12))"
        }

        /// Processes that have a stack, or hold a socket of one.
        var acceleratedPIDs: Set<Int> {
            Set(running.stacks.map(\.pid)).union(
                processes.all.filter { $0.devices.contains { $0.hasPrefix("onload:[") } }.map(\.pid)
            )
        }

        /// The processes and stacks that prevent a reload, as text; empty where there are none.
        var users: [String] {
            var users = processes.holders.map(\.label)
            let known = Set(processes.holders.map(\.pid))
            for stack in running.stacks where !known.contains(stack.pid) {
                users.append("stack \(stack.id) of process \(stack.pid)")
            }
            return users + running.orphans.map { "orphan stack \($0)" }
        }
    }

    package static func observe(
        _ declarations: [OnloadDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        observeEach(declarations) { (declaration) throws(AgentFault) in
            try observation(of: declaration, on: host.machine)
        }
    }

    static func observation(
        of declaration: OnloadDeclaration, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let kernel = (try machine.readText("/proc/sys/kernel/osrelease") ?? "")
            .trimmingSpaces()
        let disk = try OnloadDisk(kernel: kernel, on: machine)
        let ports = try OnloadPort.all(on: machine)
        let own = ports.isEmpty ? [] : try OwnConnection(machine: machine).links()
        let running = try OnloadKernel(declaration, on: machine)
        // Reading the image is expensive, so it is read only where it may hold the vendor's sfc.
        // A loaded sfc with a version is the vendor's: the kernel's own has none.
        let mayHoldCopy =
            disk.modules["sfc"] != nil
            && (disk.modules["onload"] != nil
                || !declaration.isPresent && running.modules["sfc"]?.version != nil)
        return Observation(
            isContainer: try machine.readText("/run/systemd/container") != nil,
            kernel: kernel, disk: disk, running: running,
            processes: try OnloadProcesses(on: machine),
            settings: try OnloadSettings(declaration, on: machine),
            initramfs: mayHoldCopy
                ? try InitramfsModule("sfc", kernel: kernel, on: machine) : .none,
            ports: ports, hasUnservedCard: try OnloadPort.hasUnservedCard(on: machine),
            ownPort: ports.map(\.name).first(where: own.contains))
    }

    package static func findings(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        guard declaration.isPresent, !observation.isContainer else { return [] }
        return OnloadSkew.findings(declaration, observation)
    }

    package static func diff(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> Difference {
        if observation.isContainer {
            return .notApplicable("in a container, modules belong to the host outside")
        }
        if !declaration.isPresent { return OnloadRemoval.diff(observation) }
        let installs = installs(declaration, observation)
        if let fault = obstacle(declaration, observation, installs: installs) {
            return .blocked(fault)
        }
        let makes = changes(declaration, observation, installs: installs)
        if declaration.reloads, makes.contains(where: flapsPorts),
            let fault = OnloadReload.cutOff(declaration, observation)
        {
            return .blocked(fault)
        }
        let now = declaration.reloads ? makes : makes.filter { $0.disruption != .moduleReload }
        if !now.isEmpty { return .changes(now) }
        if !makes.isEmpty {
            return .pending(
                "reload pending: "
                    + makes.map(\.attribute).filter { $0 != "ports" }.joined(separator: ", "), makes
            )
        }
        return .asDeclared(reason(declaration, observation))
    }

    private static func reason(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> String {
        let count = observation.acceleratedPIDs.count
        return "\(declaration.version) on disk and in memory, "
            + (count == 0
                ? "no process accelerated"
                : "\(count) process\(count == 1 ? "" : "es") accelerated")
    }

    /// Whether the archive is to be installed.
    static func installs(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> Bool {
        guard declaration.archive != nil else { return false }
        let isThere =
            observation.disk.banner?.version.text == declaration.version
            && observation.disk.modules["onload"]?.version.flatMap({ OnloadVersion($0) })?.text
                == declaration.version
        return !isThere || !observation.disk.hasManifest
    }

    /// Why OpenOnload cannot be made as declared; nil if it can.
    private static func obstacle(
        _ declaration: OnloadDeclaration, _ observation: Observation, installs: Bool
    ) -> AgentFault? {
        let disk = observation.disk
        let attempted = "have OpenOnload \(declaration.version)"
        let packages = disk.packages.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if installs {
            if packages.isEmpty { return nil }
            return AgentFault(
                "packages-installed", attempted,
                cause: "it is declared from an archive, but packages are installed: "
                    + packages.joined(separator: ", "),
                hint: "declare those packages absent, before onload")
        }
        let hint =
            "declare the package \(declaration.family)-user at \(declaration.version)-1 and its modules, "
            + "or give the vendor's archive as source"
        guard let banner = disk.banner else {
            return AgentFault(
                "not-installed", attempted,
                cause: disk.library.map { "\($0) reports no version: \(disk.silence ?? "")" }
                    ?? "it is not installed", hint: hint)
        }
        if banner.version.text != declaration.version {
            return AgentFault(
                "wrong-version", attempted,
                cause: "the library is \(banner.version.text)"
                    + (packages.isEmpty
                        ? "" : ", the packages \(packages.joined(separator: ", "))"),
                hint: hint)
        }
        guard let module = disk.modules["onload"] else {
            return AgentFault(
                "no-module", attempted,
                cause: "there is no onload module for the kernel \(observation.kernel)"
                    + (disk.kernels.isEmpty
                        ? "" : ", only for \(disk.kernels.joined(separator: ", "))"),
                hint:
                    "declare \(declaration.family)-dkms, or the package of modules for that kernel")
        }
        if let kernel = module.kernel, kernel != observation.kernel {
            return AgentFault(
                "module-for-another-kernel", attempted,
                cause: "\(module.path) is built for \(kernel), but \(observation.kernel) runs",
                hint: "install the modules for this kernel, or boot the other kernel")
        }
        if let version = module.version.flatMap({ OnloadVersion($0) })?.text,
            version != declaration.version
        {
            return AgentFault(
                "module-library-mismatch", attempted,
                cause: "\(module.path) is \(version)",
                hint: "install library and modules of one version")
        }
        do throws(AgentFault) {
            let missing = try observation.settings.missingAccounts(declaration.sysconfig)
            if missing.isEmpty { return nil }
            return AgentFault(
                "no-account", "set the owner of OpenOnload's devices",
                cause: "there is no \(missing.joined(separator: ", no "))",
                hint: "declare it, or correct sysconfig")
        } catch {
            return error
        }
    }

    package static func beforeImages(
        _ declaration: OnloadDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images = OnloadDeclaration.modules.map {
            BeforeImage.module(name: $0, isLoaded: observation.running.modules[$0] != nil)
        }
        for path in [
            OnloadDeclaration.optionsFile, OnloadDeclaration.overrideFile,
            OnloadDeclaration.loadFile, OnloadDeclaration.rulesFile,
            OnloadDeclaration.sysconfigFile,
        ] {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        for (name, device) in observation.settings.devices.sorted(by: { $0.key < $1.key }) {
            images.append(
                .metadata(
                    path: "/dev/\(name)", mode: Int(device.mode), uid: Int(device.uid),
                    gid: Int(device.gid)))
        }
        for (name, module) in observation.running.modules.sorted(by: { $0.key < $1.key }) {
            for (key, found) in module.parameters.sorted(by: { $0.key < $1.key }) {
                images.append(
                    .kernelFile(path: "/sys/module/\(name)/parameters/\(key)", value: found.text))
            }
        }
        // depmod decides which sfc modprobe loads, and that decides what the next boot loads.
        if observation.disk.sfcPassedOver != nil || observation.settings.overrideText != nil {
            images.append(.derived("depmod \(observation.kernel)"))
        }
        if case .copy = observation.initramfs { images.append(.derived("initramfs")) }
        return images
    }

    package static func apply(
        _ declaration: OnloadDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        if !declaration.isPresent {
            return try OnloadRemoval.apply(declaration, observation, on: host)
        }
        try OnloadChange(declaration: declaration, host: host).make(observation)
    }
}
