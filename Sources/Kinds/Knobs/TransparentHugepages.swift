import FleetModel
import Wire

/// Kinds of which a machine has one: their resources are all called `system`.
enum SystemName {
    static let type = ValueType.oneOf(["system"])
    static let summary = "system: a machine has one."

    static func check(_ name: String, _ kind: Kind) throws(AttributeFault) {
        guard name == "system" else {
            throw AttributeFault(
                nil,
                "there is only one \(kind.rawValue), called system, not "
                    + ScalarText.shown(name))
        }
    }
}

/// What the kinds kept by the boot unit say of themselves.
enum BootKeptText {
    static let note = text(unit: "muster-boot.service", when: "before other services start")
    /// Of settings that come with links.
    static let lateNote = text(unit: "muster-boot-late.service", when: "once links are up")

    private static func text(unit: String, when: String) -> String {
        "The running value is set at once; for the next boot a record in /etc/muster/boot.d is kept, "
            + "which the unit \(unit) has the agent's own code carry out \(when). With state: absent "
            + "the record goes, and the running value stays until then: what it was by default is "
            + "not known."
    }
}

/// A declared `transparent_hugepages`: when the kernel backs memory with huge pages by itself.
package struct TransparentHugepagesDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .transparentHugepages,
        "Transparent huge pages: when the kernel backs memory with huge pages by itself.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema(
                "enabled", .oneOf(["always", "madvise", "never"]),
                "never keeps khugepaged from stalling a trading process; memory that asks for huge "
                    + "pages by name (hugetlbfs) is not touched by it."),
            AttributeSchema(
                "defrag", .oneOf(["always", "defer", "defer+madvise", "madvise", "never"]),
                "Whether a page fault waits for memory to be compacted."),
            AttributeSchema(
                "khugepaged_defrag", .boolean, "Whether khugepaged compacts memory."),
            AttributeSchema(
                "shmem_enabled",
                .oneOf(["always", "within_size", "advise", "never", "deny", "force"]),
                "The same for shared memory and tmpfs."),
        ],
        notes: [
            BootKeptText.note,
            "transparent_hugepage= on the kernel command line is only the value at the start; the "
                + "record comes after it.",
            "Source: kernel, Documentation/admin-guide/mm/transhuge.rst.",
        ],
        example: """
            - transparent_hugepages: system
              enabled: never
              defrag: never
            """)

    package static let bootOrder = BootOrder(.early, rank: 3)

    package let isPresent: Bool
    package let record: BootRecord
    package let enabled: String?
    package let defrag: String?
    package let khugepagedDefrag: Bool?
    package let shmemEnabled: String?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .transparentHugepages)
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.transparentHugepages, name, attributes)
        enabled = try reader.optionalString("enabled")
        defrag = try reader.optionalString("defrag")
        khugepagedDefrag = try reader.optionalBool("khugepaged_defrag")
        shmemEnabled = try reader.optionalString("shmem_enabled")
        try BootKeptRules.check(self)
    }

    package var owns: [Claim] { [.knobs("transparent huge pages")] }
}

/// What all kinds kept by the boot unit hold to.
enum BootKeptRules {
    static func check(_ declaration: some BootKeptDeclaration) throws(AttributeFault) {
        if declaration.isPresent, declaration.record.attributes.isEmpty {
            throw AttributeFault(
                nil, "nothing is declared of it",
                hint: "give at least one of "
                    + type(of: declaration).schema.attributes.map(\.name).joined(separator: ", "))
        }
    }
}
