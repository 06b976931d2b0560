import FleetModel
import Wire

/// A declared `hugepages`: the number of huge pages of one size, in total or on each NUMA node.
package struct HugepagesDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .hugepages, "The number of huge pages of one size, in total or on each NUMA node.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string, nameSummary: "The size of a page: 2M, 1G.",
        attributes: [
            AttributeSchema(
                "pages", .integer(minimum: 0),
                "The total number; the kernel spreads them over the nodes. Give either pages or"
                    + " nodes."
            ),
            AttributeSchema(
                "nodes", .map(.integer(minimum: 0)),
                "Pages on each NUMA node: {0: 64, 1: 512}. Other nodes stay as they are."),
            AttributeSchema(
                "allocated", .oneOf(["runtime", "boot"]), default: "runtime",
                "runtime: pages are allocated at once, and by the boot unit early at each boot."
                    + " boot: "
                    + "pages are allocated by the kernel command line, which a kernel_cmdline "
                    + "resource declares; this resource then only checks their number."),
        ],
        notes: [
            BootKeptText.note,
            "If memory is fragmented, the kernel may allocate fewer pages; this is a failure that "
                + "shows the number allocated. More pages than a node's memory can hold are a"
                + " fault "
                + "before anything is changed. 1G pages can seldom be allocated after boot.",
            "When the number is reduced, pages in use stay allocated as surplus pages. Source: "
                + "kernel, Documentation/admin-guide/mm/hugetlbpage.rst.",
        ],
        example: """
            - hugepages: 2M
              nodes: {"1": 512}
            """)

    /// Early, before memory is fragmented.
    package static let bootOrder = BootOrder(.early, rank: 1)

    /// The size of a page in kB.
    package let kilobytes: Int
    package let isPresent: Bool
    package let record: BootRecord
    package let pages: Int?
    /// The number of pages by NUMA node.
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
                nil, "\(ScalarText.shown(name)) is not a huge page size", hint: "2M or 1G on x86")
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
                    "nodes", "\(ScalarText.shown(text)) is not a NUMA node",
                    hint: "{0: 64, 1: 512}")
            }
            nodes[node] = count
        }
        self.nodes = nodes
        guard isPresent else {
            try reader.refuse(["pages", "nodes"], because: "with state: absent")
            return
        }
        if (pages != nil) == !nodes.isEmpty {
            throw AttributeFault("pages", "give either pages or nodes", hint: "pages: 512")
        }
    }

    package var isKept: Bool { isPresent && !isAllocatedAtBoot }

    package var owns: [Claim] { [.knobs("huge pages of \(kilobytes) kB")] }
}
