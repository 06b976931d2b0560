import FleetModel
import Wire

/// A declared `workqueue`: the CPUs that unbound kernel work may run on.
package struct WorkqueueDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .workqueue, "The CPUs that unbound work of the kernel may run on.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string,
        nameSummary: "unbound, for all unbound work; or a workqueue of /sys/bus/workqueue/devices: "
            + "writeback.",
        attributes: [
            AttributeSchema("cpus", .cpuList, "The CPUs, usually those for housekeeping.")
        ],
        notes: [
            BootKeptText.note,
            "CPUs isolated at boot are taken out by the kernel itself; masks are compared as sets. "
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
            throw AttributeFault(nil, "\(ScalarText.shown(name)) is no workqueue")
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
