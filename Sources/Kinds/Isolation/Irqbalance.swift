import FleetModel
import Wire

/// A declared `irqbalance`: the CPUs that the daemon leaves alone.
package struct IrqbalanceDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .irqbalance, "The CPUs that irqbalance moves no interrupts to.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: [.tuned],
            configures: .irqbalance),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema("banned_cpus", .cpuList, "The CPUs, usually the isolated ones.")
        ],
        notes: [
            "The line IRQBALANCE_BANNED_CPULIST of /etc/default/irqbalance (Debian) or "
                + "/etc/sysconfig/irqbalance; IRQBALANCE_BANNED_CPUS, which would win, is taken "
                + "out. A daemon that runs is restarted; whether it runs is the service kind's.",
            "By itself irqbalance leaves isolcpus and nohz_full CPUs alone, unless either variable "
                + "is set: an empty one turns that off. Not applicable where it is not installed.",
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
