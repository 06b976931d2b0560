import FleetModel
import Wire

/// A declared `irq_affinity`: the CPUs that interrupts of a device may go to.
package struct IRQAffinityDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .irqAffinity,
        "The CPUs that interrupts go to: of a device, of all of them, or of new ones.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed,
            rivals: [.tuned, .irqbalance]),
        nameType: .string,
        nameSummary: "A network interface (ens1f0), a PCI address (0000:41:00.0), all for every "
            + "interrupt that no other declaration names, or default for those not yet requested.",
        attributes: [
            AttributeSchema("cpus", .cpuList, "The CPUs."),
            AttributeSchema(
                "spread", .boolean, default: false,
                "One CPU for each interrupt of the device, in turn, in place of all of them for each."
            ),
        ],
        notes: [
            BootKeptText.lateNote,
            "As declared is an interrupt whose CPUs are all among those declared: irqbalance may "
                + "choose between them. With spread it is the one CPU.",
            "Managed interrupts (one for each queue of a disk or NIC, spread by the kernel itself) "
                + "refuse to be moved; they are noted until the next boot and named, not a failure. "
                + "isolcpus=managed_irq keeps them off isolated CPUs as far as it can.",
            "Interrupts come and go with links, rings and channels: they are looked up anew at each "
                + "check. Source: kernel, Documentation/core-api/irq/irq-affinity.rst.",
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
                nil, "\(ScalarText.shown(name)) is no device",
                hint: "an interface, a PCI address, all or default")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.irqAffinity, name, attributes)
        cpus = try reader.optionalCPUs("cpus")
        isSpread = try reader.bool("spread", default: false)
        if isPresent, cpus == nil {
            throw AttributeFault("cpus", "cpus is missing", hint: "cpus: 0-1")
        }
        if isSpread, name == "all" || name == "default" {
            throw AttributeFault(
                "spread", "spread is for the queues of one device", hint: "name the device")
        }
    }

    /// irqbalance that was told which CPUs to leave alone chooses among those left; with one CPU for
    /// each interrupt there is nothing to choose.
    package func agrees(with manager: OtherManager) -> Bool { !isSpread }

    package var owns: [Claim] { [.knobs("the interrupts of \(name)")] }

    /// A daemon that still knows the old CPUs would move them back; cards get new interrupts with
    /// new queues.
    package var needs: [Claim] { [.knobs(IrqbalanceDeclaration.claimed), .networkCards] }
}
