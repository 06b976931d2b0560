import FleetModel
import Wire

/// A declared `cpu_isolation`: the CPUs that only declared applications may use.
///
/// Roles declare a policy. The compiler replaces it by CPU numbers from the host's facts, and adds
/// a resource for each other setting that must agree with them.
package struct CPUIsolationDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .cpuIsolation,
        "CPUs reserved for the applications pinned to them: one set of CPUs, derived from the"
            + " host's "
            + "facts, for all settings that must agree.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: [.numad],
            expansion: .isolation),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema(
                "isolate", .any, default: "all",
                "The CPUs to isolate: all (except housekeeping CPUs), {node: 1}, "
                    + "{near: ens1f0}, or a CPU list: 2-7,10."),
            AttributeSchema(
                "housekeeping_cores_per_node", .integer(minimum: 1), default: 1,
                "The number of whole cores on each NUMA node for the kernel, interrupts and "
                    + "services; the core of the boot CPU is always one of them."),
            AttributeSchema(
                "smt", .oneOf(["keep", "park", "off"]), default: "keep",
                "Second threads of isolated cores. keep: used like the first; park: isolated but "
                    + "left idle; off: SMT is off on the whole machine (nosmt)."),
            AttributeSchema(
                "near", .string, "The network interface whose NUMA node the hot CPUs are on."),
            AttributeSchema(
                "mechanism", .oneOf(["boot", "cgroup"]), default: "boot",
                "How CPUs are isolated from the scheduler. boot: isolcpus=domain on the kernel "
                    + "command line; cgroup: an isolated partition of cgroup v2, created at once"
                    + " and "
                    + "at each boot."),
            AttributeSchema(
                "applications", .list(.string), default: .array([]),
                "Units and programs that may run on isolated CPUs: feed-handler.service, onload_cp_server."
            ),
        ],
        computedAttributes: ["housekeeping", "isolated", "hot", "parked"],
        notes: [
            "The plan contains the CPU numbers, and further resources derived from this one: "
                + "kernel_cmdline cpu_isolation (isolcpus=managed_irq,domain, nohz_full,"
                + " rcu_nocbs, "
                + "irqaffinity, nosmt), irq_affinity default and all, workqueue unbound and"
                + " writeback, "
                + "sysctl kernel.watchdog_cpumask, irqbalance. This resource itself sets systemd's "
                + "CPUAffinity, checks which CPUs the kernel has isolated, and moves movable"
                + " kernel "
                + "threads (kswapd, kcompactd) to housekeeping CPUs. Every other process that may"
                + " run "
                + "on isolated CPUs is a finding, unless it is one of the applications.",
            "muster isolation HOST shows the same result with a map of the machine before"
                + " anything is "
                + "applied. Only whole cores are isolated. A policy that leaves no housekeeping"
                + " core "
                + "does not compile. If the cores of the host no longer match its facts, apply"
                + " refuses.",
            "With mechanism cgroup, the CPUs belong to the slice \(Self.slice): a unit runs on"
                + " them if "
                + "it has Slice=\(Self.slice). Changes of nohz_full and the other kernel"
                + " parameters still "
                + "need a reboot. Requires cgroup v2 (unified hierarchy) and kernel 6.1 or later.",
            "isolcpus= removes CPUs from the scheduler's domains; changing it needs a reboot."
                + " Sources: "
                + "kernel, Documentation/admin-guide/cpu-isolation.rst, kernel/sched/isolation.c.",
        ],
        example: """
            - cpu_isolation: system
              isolate: {near: ens1f0}
              smt: park
              applications: [feed-handler.service]
            """)

    package static let bootOrder = BootOrder(.late, rank: 1)

    /// The systemd drop-in that sets the CPUs of services.
    package static let managerFile = "/etc/systemd/system.conf.d/90-muster-cpu-isolation.conf"

    /// The slice that is an isolated partition.
    ///
    /// Its name has no dash, so that it lies directly below the root cgroup: the parent of a
    /// partition must be a partition itself.
    package static let slice = "musterisolated.slice"
    package static let sliceFile = "/etc/systemd/system/musterisolated.slice"

    package let isPresent: Bool
    /// Whether an isolated partition replaces `isolcpus=domain`.
    package let isPartition: Bool
    package let record: BootRecord
    package let housekeeping: CPUList
    package let isolated: CPUList
    /// Names of units and programs.
    package let applications: [String]

    /// Reads the attributes of a plan, which has `housekeeping`, `isolated`, `hot` and `parked`
    /// instead of the policy.
    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .cpuIsolation)
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(
            .cpuIsolation, name,
            attributes.filter {
                ["housekeeping", "isolated", "applications", "mechanism"].contains($0.key)
            })
        isPartition = try reader.optionalString("mechanism") == "cgroup"
        applications = try reader.optionalStrings("applications") ?? []
        guard isPresent else {
            housekeeping = CPUList([])
            isolated = CPUList([])
            return
        }
        guard let house = try reader.optionalCPUs("housekeeping"),
            let taken = try reader.optionalCPUs("isolated")
        else { throw AttributeFault("isolate", "the plan does not contain the CPUs") }
        if !house.intersection(taken).isEmpty {
            throw AttributeFault("isolate", "CPUs are both isolated and kept for housekeeping")
        }
        housekeeping = house
        isolated = taken
    }

    package var interrupts: InterruptShare? {
        isPresent && !housekeeping.isEmpty ? .room(housekeeping) : nil
    }

    package var owns: [Claim] {
        [
            .knobs("the isolation of CPUs"), .path(Self.managerFile), .path(Self.sliceFile),
            .unit(Self.slice),
        ]
    }
}
