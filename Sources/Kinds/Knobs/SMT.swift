import FleetModel
import Wire

/// A declared `smt`: whether second threads of cores are online.
package struct SMTDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .smt, "Simultaneous multithreading: whether the second threads of cores are online.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema(
                "control", .oneOf(["on", "off"]), "Whether the second threads are online.")
        ],
        notes: [
            BootKeptText.note,
            "off takes CPUs offline: their processes are moved, and cpusets and interrupts that"
                + " name "
                + "them change; this counts as traffic_blip. nosmt in a kernel_cmdline keeps them"
                + " off "
                + "from the start; nosmt=force (forceoff) cannot be undone without a reboot.",
            "Not applicable if the processor has no second threads or the firmware disables them."
                + " Source: "
                + "kernel, Documentation/ABI/testing/sysfs-devices-system-cpu.",
        ],
        example: """
            - smt: system
              control: "off"
            """)

    /// Before all settings that are made for each CPU.
    package static let bootOrder = BootOrder(.early, rank: 0)

    package let isPresent: Bool
    package let record: BootRecord
    package let control: String?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .smt)
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.smt, name, attributes)
        control = try reader.optionalString("control")
        try BootKeptRules.check(self)
    }

    package var owns: [Claim] { [.knobs("SMT")] }
}
