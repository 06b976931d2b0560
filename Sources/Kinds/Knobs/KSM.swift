import FleetModel
import Wire

/// A declared `ksm`: whether the kernel merges identical pages.
package struct KSMDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .ksm, "Kernel samepage merging: whether ksmd finds and merges identical pages.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.ksmtuned]),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        attributes: [
            AttributeSchema(
                "run", .oneOf(["stop", "run", "unmerge"]),
                "stop keeps merged pages merged; unmerge stops ksmd and splits merged pages again, "
                    + "which needs more memory.")
        ],
        notes: [
            BootKeptText.note, "Source: kernel, Documentation/admin-guide/mm/ksm.rst.",
        ],
        example: """
            - ksm: system
              run: unmerge
            """)

    package static let bootOrder = BootOrder(.early, rank: 3)

    package let isPresent: Bool
    package let record: BootRecord
    /// The value in the kernel's format: 0, 1 or 2.
    package let run: Int?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .ksm)
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.ksm, name, attributes)
        run = try reader.optionalString("run").flatMap {
            ["stop", "run", "unmerge"].firstIndex(of: $0)
        }
        try BootKeptRules.check(self)
    }

    package var owns: [Claim] { [.knobs("samepage merging")] }
}
