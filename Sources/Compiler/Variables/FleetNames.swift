import Inventory
import Values

/// The names that have the same value on every host.
struct FleetNames: Sendable {
    /// The variable `groups`: the hosts of every group.
    let groups: Value

    init(_ inventory: InventorySet) {
        groups = .map(
            ValueMap(
                inventory.groupNames.map { name in
                    (name, .list(inventory.hosts(inGroup: name).map { .string($0) }))
                }))
    }
}
