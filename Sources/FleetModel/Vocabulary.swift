/// Every kind of resource.
///
/// The enumeration is closed, so that a new kind is a compile error wherever kinds must be handled.
package enum Kind: String, Sendable, CaseIterable, Hashable {
    case file, directory, symlink, line, sysctl, package, service, unit, user, group, command
    case packageRepository = "package_repository"
    case authorizedKey = "authorized_key"
    case kernelCmdline = "kernel_cmdline"
    case kernelModule = "kernel_module"
    case mount
    case expect
    case cpuIsolation = "cpu_isolation"
    case smt
    case ksm
    case hugepages
    case workqueue
    case transparentHugepages = "transparent_hugepages"
    case cpuPower = "cpu_power"
    case irqAffinity = "irq_affinity"
    case irqbalance
    case nic
    case onload
    case onloadProfile = "onload_profile"
    case network
    case hostsEntry = "hosts_entry"
    case resolv
    case nicFirmware = "nic_firmware"
    case ptp
}

/// What making a change costs the host, from nothing to a power cycle.
package enum Disruption: String, Sendable, CaseIterable, Comparable {
    case none
    case trafficBlip = "traffic_blip"
    case linkFlap = "link_flap"
    case serviceRestart = "service_restart"
    case moduleReload = "module_reload"
    case reboot
    case powerCycle = "power_cycle"

    private var rank: Int { Disruption.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: Disruption, right: Disruption) -> Bool { left.rank < right.rank }
}

/// How bad it is when a resource has drifted.
package enum DriftSeverity: String, Sendable, CaseIterable, Comparable {
    case info, warning, critical

    private var rank: Int { DriftSeverity.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: DriftSeverity, right: DriftSeverity) -> Bool {
        left.rank < right.rank
    }
}

/// Which of a resource's values a change concerns.
package enum Layer: String, Sendable, CaseIterable {
    /// The value in the kernel or the service manager now.
    case running
    /// The value after the next boot, from all files and their precedence.
    case persisted
    /// What is installed, for packages, modules and firmware.
    case onDisk = "on_disk"
}
