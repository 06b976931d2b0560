import FleetModel
import Wire

/// A declared `hugepages`: how many huge pages of one size there are, in all or on each node.
package struct HugepagesDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .hugepages, "A pool of huge pages of one size: how many, in all or on each NUMA node.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string, nameSummary: "The size of a page: 2M, 1G.",
        attributes: [
            AttributeSchema(
                "pages", .integer(minimum: 0),
                "Pages in all; the kernel spreads them over the nodes. Either this or nodes."),
            AttributeSchema(
                "nodes", .map(.integer(minimum: 0)),
                "Pages of each node: {0: 64, 1: 512}. Nodes that are not named are left alone."),
            AttributeSchema(
                "allocated", .oneOf(["runtime", "boot"]), default: "runtime",
                "runtime: asked for at once, and by the boot unit, early in the boot. boot: by the "
                    + "kernel command line, which a kernel_cmdline resource declares; then only "
                    + "held against what there is."),
        ],
        notes: [
            BootKeptText.note,
            "Asking is best effort: memory in pieces gives fewer pages, and that is a failure here, "
                + "with the number that was given. More than a node's memory is a fault before "
                + "anything is tried. 1G pages are seldom to be had after the boot.",
            "Pages in use are not taken away by asking for fewer: they become surplus. Source: "
                + "kernel, Documentation/admin-guide/mm/hugetlbpage.rst.",
        ],
        example: """
            - hugepages: 2M
              nodes: {"1": 512}
            """)

    /// While memory is whole.
    package static let bootOrder = BootOrder(.early, rank: 1)

    /// The size of a page in kB.
    package let kilobytes: Int
    package let isPresent: Bool
    package let record: BootRecord
    package let pages: Int?
    /// Pages by node.
    package let nodes: [Int: Int]
    package let isAllocatedAtBoot: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let units: [Character: Int] = [
            "k": 1, "K": 1, "M": 1024, "m": 1024, "G": 1 << 20, "g": 1 << 20,
        ]
        guard let unit = name.last.flatMap({ units[$0] }), let count = Int(name.dropLast()),
            count > 0,
            count < 1 << 20
        else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is no size of a huge page", hint: "2M or 1G on x86")
        }
        kilobytes = count * unit
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.hugepages, name, attributes)
        pages = try reader.optionalInteger("pages")
        isAllocatedAtBoot = try reader.optionalString("allocated") == "boot"
        var nodes: [Int: Int] = [:]
        for (text, value) in attributes["nodes"]?.object ?? [:] {
            guard let node = Int(text), node >= 0, let count = value.integer else {
                throw AttributeFault(
                    "nodes", "\(ScalarText.shown(text)) is no NUMA node", hint: "{0: 64, 1: 512}")
            }
            nodes[node] = count
        }
        self.nodes = nodes
        guard isPresent else {
            try reader.refuse(["pages", "nodes"], because: "for a pool that is not kept")
            return
        }
        if (pages != nil) == !nodes.isEmpty {
            throw AttributeFault("pages", "give either pages or nodes", hint: "pages: 512")
        }
    }

    package var isKept: Bool { isPresent && !isAllocatedAtBoot }

    package var owns: [Claim] { [.knobs("huge pages of \(kilobytes) kB")] }
}
