import FleetModel
import Kinds
import Linux
import Wire

/// Finds where the layers of OpenOnload do not match; each case has its own name.
///
/// Pure. The severity depends on the effect: where an application silently runs on the kernel's
/// stack, now or when it starts next, the finding is critical.
enum OnloadSkew {
    typealias Observation = OnloadBehaviour.Observation

    static func findings(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        installed(declaration, observation) + modules(observation)
            + initramfs(observation) + processes(declaration, observation)
            + devices(observation) + cards(declaration, observation)
    }

    // MARK: On disk

    private static func installed(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        let disk = observation.disk
        var found: [HostFinding] = []
        let packages = disk.packages.sorted { $0.key < $1.key }
        let list = packages.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        if disk.hasManifest, !packages.isEmpty {
            found.append(
                HostFinding(
                    "archive-and-package",
                    "an archive (\(OnloadDisk.manifest)) was installed over packages: \(list)"))
        }
        if disk.hasManifest, disk.library == nil {
            found.append(
                HostFinding(
                    "half-installed",
                    "\(OnloadDisk.manifest) exists and the library does not: an installation "
                        + "failed or still runs"))
        }
        if let silence = disk.silence, let library = disk.library {
            found.append(
                HostFinding(
                    "library-unreadable", .critical,
                    "running \(library) does not tell its version: \(silence)"))
        }
        if Set(packages.map { OnloadVersion.release($0.value) }).count > 1 {
            found.append(
                HostFinding("packages-differ", .critical, "packages of several versions: \(list)"))
        }
        if let banner = disk.banner {
            let version = banner.version.text
            for (name, package) in packages
            where !OnloadVersion.isPackage(package, of: version) && !disk.hasManifest {
                found.append(
                    HostFinding(
                        "package-library-mismatch",
                        "the package \(name) is \(package), the library says \(version)"))
            }
            if banner.isDebug {
                found.append(
                    HostFinding(
                        "debug-build", .critical,
                        "the library is a debug build, which modules of a release build refuse"))
            }
            if let module = disk.modules["onload"]?.version.flatMap({ OnloadVersion($0) }),
                module.text != version
            {
                found.append(
                    HostFinding(
                        "module-library-mismatch", .critical,
                        "the module on disk is \(module.text), the library \(version): after the next "
                            + "load applications would run on the kernel's stack"))
            }
        }
        for (_, module) in disk.modules.sorted(by: { $0.key < $1.key }) {
            guard let kernel = module.kernel, kernel != observation.kernel else { continue }
            found.append(
                HostFinding(
                    "module-for-another-kernel", .critical,
                    "\(module.path) is built for \(kernel); the running kernel "
                        + "\(observation.kernel) does not load it"))
        }
        if let passedOver = disk.sfcPassedOver {
            found.append(
                HostFinding(
                    "in-tree-sfc", .critical,
                    "depmod prefers \(disk.modules["sfc"]?.path ?? "no sfc") to \(passedOver.path)")
            )
        }
        return found
    }

    // MARK: In memory

    private static func modules(_ observation: Observation) -> [HostFinding] {
        var found: [HostFinding] = []
        let library = observation.disk.banner?.version.text
        let loaded = observation.running.modules["onload"]?.version.flatMap { OnloadVersion($0) }
        if let library, let loaded, library != loaded.text {
            found.append(
                HostFinding(
                    "user-driver-mismatch", .critical,
                    "the library is \(library), the driver in memory \(loaded.text): an application that "
                        + "starts now runs on the kernel's stack, and does not say so"))
        }
        if observation.disk.library == nil, let module = observation.running.modules["onload"] {
            found.append(
                HostFinding(
                    "left-in-memory", .critical,
                    "nothing is installed, and onload \(module.version?.trimmingSpaces() ?? "") is in memory"
                ))
        }
        let stale = observation.staleModules
        if !stale.isEmpty {
            found.append(
                HostFinding(
                    "reload-pending",
                    "right on disk, old in memory: \(stale.joined(separator: ", "))"))
        }
        if observation.running.modules["sfc"] == nil, observation.hasUnservedCard {
            found.append(
                HostFinding(
                    "sfc-not-loaded", .critical,
                    "a Solarflare card is seated, and no driver serves it"))
        }
        if !observation.running.orphans.isEmpty {
            found.append(
                HostFinding(
                    "orphan-stacks",
                    "stacks that no process holds: \(observation.running.orphans.joined(separator: ", "))"
                        + "; onload_stackdump -z kill removes them"))
        }
        return found
    }

    private static func initramfs(_ observation: Observation) -> [HostFinding] {
        switch observation.initramfs {
        case .none: return []
        case .unread(let reason):
            return [
                HostFinding(
                    "initramfs-unread", .info, "sfc in the initramfs could not be read: \(reason)")
            ]
        case .copy(let copy, let image):
            guard let sfc = observation.disk.modules["sfc"], sfc.buildID != copy.buildID else {
                return []
            }
            return [
                HostFinding(
                    "stale-initramfs",
                    "\(image) holds sfc \(copy.label), on disk is \(sfc.label): the next boot loads the "
                        + "former")
            ]
        }
    }

    // MARK: Who uses it

    private static func processes(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        var found: [HostFinding] = []
        let all = observation.processes.all
        let old = all.filter(\.mapsOldLibrary)
        if !old.isEmpty {
            found.append(
                HostFinding(
                    "old-library",
                    "started before the library was replaced: \(labels(old)); they use the old one "
                        + "until they are restarted"))
        }
        let accelerated = observation.acceleratedPIDs
        let not = all.filter { $0.mapsLibrary && !accelerated.contains($0.pid) }
        let required = not.filter { declaration.accelerated.contains($0.name) }
        if !required.isEmpty {
            found.append(
                HostFinding(
                    "not-accelerated", .critical,
                    "declared to run accelerated, but has no stack: \(labels(required))"))
        }
        let others = not.filter { !declaration.accelerated.contains($0.name) }
        if !others.isEmpty {
            found.append(
                HostFinding(
                    "no-stack", .info, "with the library, but without a stack: \(labels(others))"))
        }
        let withLibrary = Set(all.filter(\.mapsLibrary).map(\.name))
        for name in declaration.accelerated
        where observation.processes.running.contains(name) && !withLibrary.contains(name) {
            found.append(
                HostFinding(
                    "not-accelerated", .critical,
                    "declared to run accelerated, but started without the library: \(name)"))
        }
        return found
    }

    private static func labels(_ processes: [OnloadProcesses.Process]) -> String {
        processes.prefix(10).map(\.label).joined(separator: ", ")
            + (processes.count > 10 ? " and \(processes.count - 10) more" : "")
    }

    // MARK: Around it

    private static func devices(_ observation: Observation) -> [HostFinding] {
        var found: [HostFinding] = []
        if observation.running.modules["onload"] != nil,
            observation.settings.devices["onload"] == nil
        {
            found.append(
                HostFinding(
                    "no-device", .critical,
                    "the driver is loaded and there is no /dev/onload: applications run on the kernel's "
                        + "stack"))
        }
        let settings = observation.settings
        let text = settings.sysconfigText ?? ""
        let user = OnloadSettings.value("ONLOAD_CPLANE_USER", in: text)
        if let user, settings.accounts.lacksUser(user) {
            found.append(
                HostFinding(
                    "no-control-plane-user",
                    "there is no user \(user): the control plane runs as root"))
        }
        let mode = OnloadSettings.value("ONLOAD_MODE", in: text).flatMap { UInt32($0, radix: 8) }
        if let mode, let device = settings.devices["onload"], device.mode != mode {
            found.append(
                HostFinding(
                    "device-mode",
                    "/dev/onload has mode \(octal(device.mode)), \(OnloadDeclaration.sysconfigFile) says "
                        + "\(octal(mode)): a process that may not open it uses the kernel's stack"))
        }
        return found
    }

    static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }

    private static func cards(
        _ declaration: OnloadDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        var found: [HostFinding] = []
        for port in observation.ports {
            guard let firmware = port.firmwareVersion else {
                if port.firmware != "N/A" {
                    found.append(
                        HostFinding(
                            "firmware-unread",
                            "\(port.name) does not say which firmware it runs: its controller did not answer"
                        ))
                }
                continue
            }
            // Later cards number firmware from 1; an older Onload cannot read their event queues.
            let major = OnloadVersion.numbers(firmware).first
            if major == 1, !OnloadVersion.isOlder(firmware, than: "1.3.2.105"),
                let library = observation.disk.banner?.version.text,
                OnloadVersion.isOlder(library, than: "9.2.0")
            {
                found.append(
                    HostFinding(
                        "firmware-too-new", .critical,
                        "\(port.name) runs firmware \(firmware), which needs Onload 9.2.0 or later")
                )
            }
        }
        let variants = Dictionary(grouping: observation.ports.filter { $0.variant != nil }) {
            $0.variant ?? ""
        }
        if variants.count > 1 {
            let text = variants.sorted { $0.key < $1.key }.map {
                "\($0.key) on \($0.value.map(\.name).joined(separator: ", "))"
            }
            found.append(
                HostFinding(
                    "firmware-variants", .info,
                    "ports run different firmware: \(text.joined(separator: "; "))"))
        }
        if let sfc = observation.disk.modules["sfc"]?.version.flatMap({ OnloadVersion($0) }),
            let onload = observation.disk.banner?.version.text, let shipped = Self.shipped[onload],
            !sfc.text.hasPrefix(shipped)
        {
            found.append(
                HostFinding(
                    "sfc-of-another-onload",
                    "sfc on disk is \(sfc.text); Onload \(onload) came with \(shipped)"))
        }
        return found
    }

    /// The sfc version that each release came with, from its ChangeLog.
    private static let shipped = ["9.2.0.43": "6.3.1", "9.1.1.66": "6.2.1.1000"]
}

extension OnloadVersion {
    /// The upstream part of a package's version: packages of one release share it.
    static func release(_ package: String) -> String {
        let plain = package.split(separator: "~").first.map(String.init) ?? package
        return String(plain.split(separator: "-").first ?? "").replacing(text: "_", by: ".")
    }
}

extension ModuleFile {
    /// The version, else the start of the build-id.
    var label: String {
        if let version, let known = OnloadVersion(version) { return known.text }
        return buildID.isEmpty ? "without a version" : "build \(buildID.prefix(12))"
    }
}
