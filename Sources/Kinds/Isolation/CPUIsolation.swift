import FleetModel
import Wire

/// A declared `cpu_isolation`: which CPUs are kept from everything but the applications on them.
///
/// Roles declare intent; the compiler puts the CPUs in its place, from the host's facts, and adds a
/// resource for every setting that has to agree.
package struct CPUIsolationDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .cpuIsolation,
        "CPUs kept from everything but the applications pinned to them: one set, derived from the "
            + "host's facts, for every setting that has to agree.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: [.numad],
            expansion: .isolation),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema(
                "isolate", .any, default: "all",
                "What is isolated: all (that housekeeping does not need), {node: 1}, "
                    + "{near: ens1f0}, or CPUs: 2-7,10."),
            AttributeSchema(
                "housekeeping_cores_per_node", .integer(minimum: 1), default: 1,
                "Whole cores of each NUMA node that are kept for the kernel, interrupts and "
                    + "services; the boot CPU's is always among them."),
            AttributeSchema(
                "smt", .oneOf(["keep", "park", "off"]), default: "keep",
                "Second threads of isolated cores: used like the first, left idle, or all of the "
                    + "machine's off (nosmt)."),
            AttributeSchema(
                "near", .string, "The interface on whose node the hot CPUs are to lie."),
            AttributeSchema(
                "mechanism", .oneOf(["boot", "cgroup"]), default: "boot",
                "How the scheduler is told: isolcpus=domain from the start of the kernel on, or an "
                    + "isolated partition of cgroup v2, made at once and at each boot."),
            AttributeSchema(
                "applications", .list(.string), default: .array([]),
                "Units and programs that may run on isolated CPUs: feed-handler.service, onload_cp_server."
            ),
        ],
        computedAttributes: ["housekeeping", "isolated", "hot", "parked"],
        notes: [
            "The plan holds the CPUs, and beside this resource those derived from it: kernel_cmdline "
                + "cpu_isolation (isolcpus=managed_irq,domain, nohz_full, rcu_nocbs, irqaffinity, "
                + "nosmt), irq_affinity default and all, workqueue unbound and writeback, sysctl "
                + "kernel.watchdog_cpumask, irqbalance. It itself holds systemd's CPUAffinity, what "
                + "the kernel says is isolated, and kernel threads that can be moved (kswapd, "
                + "kcompactd), which it keeps on housekeeping CPUs. Every other process that may "
                + "run on isolated CPUs is a finding, unless it is among the applications.",
            "muster isolation HOST shows the same with a map of the machine, before anything is "
                + "applied. Cores are isolated whole, and a policy that leaves no housekeeping core "
                + "does not compile. A host whose cores are no longer those of the facts is refused.",
            "With mechanism cgroup the CPUs are those of the slice \(Self.slice): what is to run on "
                + "them says Slice=\(Self.slice). nohz_full and the other kernel parameters still take "
                + "a reboot. It needs the unified hierarchy and a kernel of 6.1 or later.",
            "isolcpus= takes CPUs from the scheduler until the next boot; it can be changed by a "
                + "reboot only. Sources: kernel, Documentation/admin-guide/cpu-isolation.rst, "
                + "kernel/sched/isolation.c.",
        ],
        example: """
            - cpu_isolation: system
              isolate: {near: ens1f0}
              smt: park
              applications: [feed-handler.service]
            """)

    package static let bootOrder = BootOrder(.late, rank: 1)

    /// The drop-in of systemd that gives services their CPUs.
    package static let managerFile = "/etc/systemd/system.conf.d/90-muster-cpu-isolation.conf"

    /// The slice whose CPUs are a partition.
    ///
    /// Without a dash, so that it lies right below the root: a partition's parent has to be one.
    package static let slice = "musterisolated.slice"
    package static let sliceFile = "/etc/systemd/system/musterisolated.slice"

    package let isPresent: Bool
    /// Whether an isolated partition takes the place of `isolcpus=domain`.
    package let isPartition: Bool
    package let record: BootRecord
    package let housekeeping: CPUList
    package let isolated: CPUList
    /// Units and program names.
    package let applications: [String]

    /// Reads the attributes of a plan: `housekeeping`, `isolated`, `hot` and `parked` in place of
    /// the policy.
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
        else { throw AttributeFault("isolate", "the CPUs are not in the plan") }
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
