import FleetModel
import Wire

/// A setting that the kernel forgets, as it is kept for the next boot: its resource, as planned.
package struct BootRecord: Sendable, Equatable {
    package let kind: Kind
    package let name: String
    /// Those that are given; without `state`.
    package let attributes: [String: JSON]

    package init(_ kind: Kind, _ name: String, _ attributes: [String: JSON]) {
        self.kind = kind
        self.name = name
        self.attributes = attributes.filter { $0.key != "state" && $0.value != .null }
    }
}

/// A declaration of settings that the kernel forgets at a reboot.
package protocol BootKeptDeclaration: ResourceDeclaration {
    /// Whether it is to be kept; false takes the record away.
    var isPresent: Bool { get }
    var record: BootRecord { get }
    /// Whether the boot unit is to carry it out.
    var isKept: Bool { get }
    /// When the records of the kind are carried out at boot.
    static var bootOrder: BootOrder { get }
    /// The network card that has to be up before its stage begins; nil where it waits for none.
    var awaitedCard: String? { get }
}

extension BootKeptDeclaration {
    package var isKept: Bool { isPresent }
    package var awaitedCard: String? { nil }
}

/// When records are carried out at boot: before any service, or once links are up.
package enum BootStage: String, Sendable, CaseIterable {
    case early, late
}

/// The place of a kind's records among those of the same boot.
package struct BootOrder: Sendable, Comparable {
    package let stage: BootStage
    /// The lowest of a stage goes first; those of one rank go in the order of their files' names.
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
