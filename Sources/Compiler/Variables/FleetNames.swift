import Inventory
import Values

/// The names that mean the same on every host.
struct FleetNames: Sendable {
    /// `groups`: every group's hosts.
    let groups: Value

    init(_ inventory: InventorySet) {
        groups = .map(
            ValueMap(
                inventory.groupNames.map { name in
                    (name, .list(inventory.hosts(inGroup: name).map { .string($0) }))
                }))
    }
}
