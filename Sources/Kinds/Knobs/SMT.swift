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
            AttributeSchema("control", .oneOf(["on", "off"]), "Whether they are online.")
        ],
        notes: [
            BootKeptText.note,
            "Going off takes CPUs offline: what ran there is moved, and cpusets and interrupts that "
                + "named them change; it counts as a traffic_blip. nosmt in a kernel_cmdline keeps "
                + "them off from the start; nosmt=force (forceoff) cannot be undone without a reboot.",
            "Not applicable where the processor or the firmware has no second threads. Source: "
                + "kernel, Documentation/ABI/testing/sysfs-devices-system-cpu.",
        ],
        example: """
            - smt: system
              control: "off"
            """)

    /// Threads go before what is set for each CPU.
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
