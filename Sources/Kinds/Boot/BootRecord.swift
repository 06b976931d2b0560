import FleetModel
import Wire

/// The boot record of a setting that does not survive a reboot: its planned resource.
package struct BootRecord: Sendable, Equatable {
    package let kind: Kind
    package let name: String
    /// The given attributes, without `state`.
    package let attributes: [String: JSON]

    package init(_ kind: Kind, _ name: String, _ attributes: [String: JSON]) {
        self.kind = kind
        self.name = name
        self.attributes = attributes.filter { $0.key != "state" && $0.value != .null }
    }
}

/// A declaration of settings that do not survive a reboot and so have a boot record.
package protocol BootKeptDeclaration: ResourceDeclaration {
    /// Whether the record is written; false removes it.
    var isPresent: Bool { get }
    var record: BootRecord { get }
    /// Whether the boot unit applies the record.
    var isKept: Bool { get }
    /// When the boot unit applies the records of this kind.
    static var bootOrder: BootOrder { get }
    /// The network interface that must be up before the stage begins; nil if it needs none.
    var awaitedCard: String? { get }
}

extension BootKeptDeclaration {
    package var isKept: Bool { isPresent }
    package var awaitedCard: String? { nil }
}

/// When records are applied at boot: before other services, or after links are up.
package enum BootStage: String, Sendable, CaseIterable {
    case early, late
}

/// The position of a kind's records among all records of a boot.
package struct BootOrder: Sendable, Comparable {
    package let stage: BootStage
    /// Within a stage, lower ranks are applied first; equal ranks in the order of file names.
    package let rank: Int

    package init(_ stage: BootStage, rank: Int) {
        self.stage = stage
        self.rank = rank
    }

    package static func < (left: BootOrder, right: BootOrder) -> Bool {
        if left.stage != right.stage { return left.stage == .early }
        return left.rank < right.rank
    }
}
