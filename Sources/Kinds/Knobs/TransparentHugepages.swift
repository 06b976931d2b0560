import FleetModel
import Wire

/// The name `system` of kinds that a machine has only one resource of.
enum SystemName {
    static let type = ValueType.oneOf(["system"])
    static let summary = "Always system: a machine has only one."

    static func check(_ name: String, _ kind: Kind) throws(AttributeFault) {
        guard name == "system" else {
            throw AttributeFault(
                nil,
                "there is only one \(kind.rawValue), called system, not "
                    + ScalarText.shown(name))
        }
    }
}

/// The reference text shared by kinds that have boot records.
enum BootKeptText {
    static let note = text(unit: "muster-boot.service", when: "before other services start")
    /// For settings that depend on network links.
    static let lateNote = text(unit: "muster-boot-late.service", when: "after links are up")

    private static func text(unit: String, when: String) -> String {
        "The running value is set at once. A boot record in /etc/muster/boot.d keeps it for later "
            + "boots, where the unit \(unit) applies it \(when). With state: absent the boot"
            + " record is "
            + "removed, and the running value stays until the next boot, because its default is"
            + " not "
            + "known."
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
                "When processes get huge pages. never keeps khugepaged from stalling a trading "
                    + "process; it does not affect hugetlbfs."),
            AttributeSchema(
                "defrag", .oneOf(["always", "defer", "defer+madvise", "madvise", "never"]),
                "Whether a page fault waits for memory compaction."),
            AttributeSchema(
                "khugepaged_defrag", .boolean, "Whether khugepaged compacts memory."),
            AttributeSchema(
                "shmem_enabled",
                .oneOf(["always", "within_size", "advise", "never", "deny", "force"]),
                "The same as enabled, for shared memory and tmpfs."),
        ],
        notes: [
            BootKeptText.note,
            "transparent_hugepage= on the kernel command line sets only the initial value; the"
                + " boot "
                + "record is applied later.",
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

/// The rules for all kinds that have boot records.
enum BootKeptRules {
    static func check(_ declaration: some BootKeptDeclaration) throws(AttributeFault) {
        if declaration.isPresent, declaration.record.attributes.isEmpty {
            throw AttributeFault(
                nil, "no setting is declared",
                hint: "give at least one of "
                    + type(of: declaration).schema.attributes.map(\.name).joined(separator: ", "))
        }
    }
}
