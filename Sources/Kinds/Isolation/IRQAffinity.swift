import FleetModel
import Wire

/// A declared `irq_affinity`: the CPUs that may handle the interrupts of a device.
package struct IRQAffinityDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .irqAffinity,
        "The CPUs that handle interrupts: those of one device, all others, or new ones.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed,
            rivals: [.tuned, .irqbalance]),
        nameType: .string,
        nameSummary: "A network interface (ens1f0) or a PCI address (0000:41:00.0); all for every "
            + "interrupt that no other declaration names; default for interrupts requested later.",
        attributes: [
            AttributeSchema("cpus", .cpuList, "The CPUs."),
            AttributeSchema(
                "spread", .boolean, default: false,
                "Assigns one of the CPUs to each interrupt of the device, in turn, instead of all"
                    + " CPUs."
            ),
        ],
        notes: [
            BootKeptText.lateNote,
            "An interrupt is as declared if its CPUs are a subset of the declared ones, so that "
                + "irqbalance may choose among them. With spread it must have exactly its one CPU.",
            "Managed interrupts (one for each queue of a disk or NIC, spread by the kernel itself) "
                + "cannot be moved. They are remembered until the next boot and listed; this is"
                + " not "
                + "a failure. isolcpus=managed_irq keeps them off isolated CPUs where possible.",
            "Interrupts appear and disappear with links, rings and channels, so they are looked up "
                + "again at each check. Source: kernel,"
                + " Documentation/core-api/irq/irq-affinity.rst.",
        ],
        example: """
            - irq_affinity: all
              cpus: 0-1
            """)

    package static let bootOrder = BootOrder(.late, rank: 1)

    package let name: String
    package let isPresent: Bool
    package let record: BootRecord
    package let cpus: CPUList?
    package let isSpread: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard !name.isEmpty, !name.contains("/"), !name.contains(where: \.isWhitespace),
            name != ".",
            name != ".."
        else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is not a device name",
                hint: "use a network interface, a PCI address, all or default")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.irqAffinity, name, attributes)
        cpus = try reader.optionalCPUs("cpus")
        isSpread = try reader.bool("spread", default: false)
        if isPresent, cpus == nil {
            throw AttributeFault("cpus", "cpus is missing", hint: "write cpus: 0-1")
        }
        if isSpread, name == "all" || name == "default" {
            throw AttributeFault(
                "spread", "spread is only possible for one device", hint: "name the device")
        }
    }

    /// Whether irqbalance may run: with the right banned CPUs, it chooses among the remaining ones.
    ///
    /// With `spread` it has no choice and would undo the assignment.
    package func agrees(with manager: OtherManager) -> Bool { !isSpread }

    package var owns: [Claim] { [.knobs("the interrupts of \(name)")] }

    /// The settings of irqbalance and of the NICs come first.
    ///
    /// An irqbalance with the old banned CPUs would move the interrupts back, and a NIC gets new
    /// interrupts with new queues.
    package var needs: [Claim] { [.knobs(IrqbalanceDeclaration.claimed), .networkCards] }
}
