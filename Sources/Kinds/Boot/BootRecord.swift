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
}

extension BootKeptDeclaration {
    package var isKept: Bool { isPresent }
}
