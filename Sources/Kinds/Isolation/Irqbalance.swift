import FleetModel
import Wire

/// A declared `irqbalance`: the CPUs banned from irqbalance.
package struct IrqbalanceDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .irqbalance, "The CPUs to which irqbalance must not move interrupts.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: [.tuned],
            configures: .irqbalance),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema("banned_cpus", .cpuList, "The banned CPUs, usually the isolated ones.")
        ],
        notes: [
            "Sets IRQBALANCE_BANNED_CPULIST in /etc/default/irqbalance (Debian) or "
                + "/etc/sysconfig/irqbalance, and removes IRQBALANCE_BANNED_CPUS, which would "
                + "override it. A running daemon is restarted; declare with the service kind"
                + " whether "
                + "it runs.",
            "Without these variables, irqbalance itself avoids isolcpus and nohz_full CPUs;"
                + " setting "
                + "either one, even to an empty text, disables that. Not applicable if irqbalance"
                + " is "
                + "not installed.",
        ],
        example: """
            - irqbalance: system
              banned_cpus: 2-7
            """)

    static let claimed = "the CPUs banned from irqbalance"

    package let isPresent: Bool
    package let banned: CPUList?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .irqbalance)
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        banned = try reader.optionalCPUs("banned_cpus")
        if isPresent, banned == nil {
            throw AttributeFault("banned_cpus", "banned_cpus is missing", hint: "banned_cpus: 2-7")
        }
    }

    package var owns: [Claim] { [.knobs(Self.claimed)] }
    package var needs: [Claim] { [.package("irqbalance")] }
}
