/// All facts: the sections of `facts` by half (hardware or live), and what each holds.
package struct FactsSchema: Sendable {
    /// One value: its path below `facts`, its type for the reference, and what it is.
    package struct Entry: Sendable, Equatable {
        package let path: String
        package let type: String
        package let summary: String
    }

    /// Read by `muster facts` and kept in the store; a plan that uses them records their digest.
    package static let hardware: [Entry] = [
        Entry(path: "architecture", type: "string", summary: "as uname -m says it"),
        Entry(path: "hostname", type: "string", summary: "the host's own name"),
        Entry(path: "kernel.release", type: "string", summary: "as uname -r says it"),
        Entry(path: "kernel.command_line", type: "string", summary: "/proc/cmdline"),
        Entry(path: "distribution.id", type: "string", summary: "ID of os-release: debian, rhel"),
        Entry(path: "distribution.version_id", type: "string", summary: "VERSION_ID of os-release"),
        Entry(path: "distribution.codename", type: "string", summary: "VERSION_CODENAME"),
        Entry(path: "distribution.family", type: "string", summary: "debian, rhel or other"),
        Entry(path: "cpu.model", type: "string", summary: "the model's name"),
        Entry(path: "cpu.count", type: "integer", summary: "CPUs online"),
        Entry(path: "cpu.online", type: "cpu_list", summary: "CPUs online"),
        Entry(path: "cpu.offline", type: "cpu_list", summary: "CPUs that are not online"),
        Entry(path: "cpu.present", type: "cpu_list", summary: "CPUs in sockets"),
        Entry(path: "cpu.possible", type: "cpu_list", summary: "CPUs the kernel has room for"),
        Entry(
            path: "cpu.siblings", type: "list of cpu_list",
            summary: "the threads online of each core"),
        Entry(path: "cpu.packages", type: "map", summary: "package number to its CPUs online"),
        Entry(path: "cpu.dies", type: "list of cpu_list", summary: "the CPUs online of each die"),
        Entry(
            path: "cpu.l3", type: "list of cpu_list",
            summary: "the CPUs online that share each cache of level 3"),
        Entry(path: "cpu.sockets", type: "integer", summary: "packages"),
        Entry(path: "cpu.cores", type: "integer", summary: "cores, of all packages"),
        Entry(path: "cpu.threads_per_core", type: "integer", summary: "1 without SMT"),
        Entry(path: "cpu.smt", type: "string", summary: "smt/control: on, off, forceoff, …"),
        Entry(path: "cpu.frequency_driver", type: "string", summary: "of cpufreq, or none"),
        Entry(path: "cpu.idle_driver", type: "string", summary: "of cpuidle, or none"),
        Entry(
            path: "cpu.vulnerabilities", type: "map",
            summary: "hardware weakness to its mitigation, as the kernel says it"),
        Entry(path: "cpu.isolated", type: "cpu_list", summary: "taken from the scheduler at boot"),
        Entry(path: "cpu.nohz_full", type: "cpu_list", summary: "without a tick"),
        Entry(path: "numa", type: "map", summary: "node number to cpus and memory_bytes"),
        Entry(path: "hugepages.default_kb", type: "integer", summary: "size of a huge page, in kB"),
        Entry(
            path: "hugepages.sizes_kb", type: "list of integer", summary: "sizes there are, in kB"),
        Entry(
            path: "boot_loader", type: "string", summary: "grub, grub-bls or systemd-boot"),
        Entry(path: "ptp", type: "map", summary: "hardware clock to its name and pci address"),
        Entry(path: "memory_bytes", type: "integer", summary: "MemTotal"),
        Entry(
            path: "nics", type: "map",
            summary:
                "name to pci, vendor, device, mac, permanent_mac, driver, driver_version, firmware, numa_node, "
                + "local_cpus and mtu"),
        Entry(path: "dmi", type: "map", summary: "vendor, product, board and BIOS"),
        Entry(
            path: "virtualization", type: "string", summary: "hypervisor or container, else none"),
        Entry(path: "init", type: "string", summary: "systemd, or the name of process 1"),
        Entry(
            path: "unknown", type: "map", summary: "paths that could not be read, with the reason"),
    ]

    /// Read again on every connection, and only the sections that a plan names.
    package static let live: [Entry] = [
        Entry(path: "services", type: "map", summary: "unit without .service to state and enabled"),
        Entry(path: "packages", type: "map", summary: "installed package to its version"),
        Entry(path: "modules", type: "map", summary: "loaded kernel module to its version"),
        Entry(
            path: "hugepages.sizes", type: "map",
            summary: "size in kB to total, free, reserved and surplus pages"),
        Entry(
            path: "hugepages.nodes", type: "map",
            summary: "NUMA node to size in kB to total and free pages"),
        Entry(
            path: "links", type: "map",
            summary:
                "interface to operstate, speed_mbit, rx_queues, tx_queues, pcie_speed and pcie_width"
        ),
        Entry(
            path: "irqs", type: "map",
            summary: "interrupt number to actions, affinity, effective and interface"),
        Entry(path: "mounts", type: "map", summary: "mount point to device, type and options"),
        Entry(path: "clock.source", type: "string", summary: "of the kernel: tsc, hpet, kvm-clock"),
        Entry(path: "clock.sources", type: "list of string", summary: "those it could use"),
        Entry(path: "boot.id", type: "string", summary: "another after each boot"),
    ]

    /// The first components of the paths of a half.
    ///
    /// `hugepages` is a section of both halves: its sizes are hardware, its counts are live.
    package static func sections(_ half: [Entry]) -> Set<String> {
        Set(half.map { String($0.path.prefix { $0 != "." }) })
    }
}
