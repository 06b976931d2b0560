import FleetModel
import Wire

/// A declared `workqueue`: the CPUs on which unbound kernel work may run.
package struct WorkqueueDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .workqueue, "The CPUs on which unbound kernel work may run.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string,
        nameSummary: "unbound for all unbound work, or a workqueue in /sys/bus/workqueue/devices: "
            + "writeback.",
        attributes: [
            AttributeSchema("cpus", .cpuList, "The CPUs, usually the housekeeping CPUs.")
        ],
        notes: [
            BootKeptText.note,
            "The kernel itself removes CPUs isolated at boot; masks are compared as sets. "
                + "Source: kernel, Documentation/core-api/workqueue.rst, "
                + "Documentation/admin-guide/kernel-per-CPU-kthreads.rst.",
        ],
        example: """
            - workqueue: unbound
              cpus: 0-1
            """)

    package static let bootOrder = BootOrder(.early, rank: 3)

    package let name: String
    package let isPresent: Bool
    package let record: BootRecord
    package let cpus: CPUList?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
            throw AttributeFault(nil, "\(ScalarText.shown(name)) is not a workqueue name")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.workqueue, name, attributes)
        cpus = try reader.optionalCPUs("cpus")
        try BootKeptRules.check(self)
    }

    package var owns: [Claim] { [.knobs("the CPUs of the workqueue \(name)")] }
}
