import FleetModel
import Wire

/// What applies have put on this host, to find what is no longer declared.
package struct DeclaredRecord: ModelCodable, Equatable {
    package struct Entry: ModelCodable, Hashable {
        package var address: String
        package var kind: Kind
        package var name: String

        package init(address: String, kind: Kind, name: String) {
            self.address = address
            self.kind = kind
            self.name = name
        }

        package var json: JSON {
            [
                "address": .string(address), "kind": .string(kind.rawValue),
                "name": .string(name),
            ]
        }

        package init(json: JSON) throws(JSONError) {
            var reader = try MemberReader(json, as: "declared entry")
            address = try reader.string("address")
            kind = try reader.name("kind")
            name = try reader.string("name")
            try reader.end()
        }
    }

    package static let formatVersion = 1

    /// In the order they were first declared.
    package var entries: [Entry]

    package init(entries: [Entry] = []) { self.entries = entries }

    package var json: JSON {
        [
            "format_version": .integer(DeclaredRecord.formatVersion),
            "entries": .array(entries.map(\.json)),
        ]
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "declared record")
        let version = try reader.integer("format_version")
        guard version == DeclaredRecord.formatVersion else {
            throw JSONError("declared record has format version \(version)")
        }
        entries = try reader.models("entries")
        try reader.end()
    }

    /// The record of a state directory; empty where there is none.
    package init(of state: StateDirectory) throws(AgentFault) {
        guard let bytes = try state.read(state.declared) else {
            self.init()
            return
        }
        do {
            try self.init(json: try JSON(parsing: bytes))
        } catch {
            throw AgentFault(
                "damaged", "read \(state.declared)", cause: error.description,
                hint: "remove this file; earlier orphans are then no longer listed")
        }
    }

    /// The addresses that are recorded and not in the plan; none for a partial plan.
    ///
    /// A resource that moved to another role keeps its kind and name, and is not an orphan.
    package func orphans(beside plan: Plan) -> [String] {
        if plan.isPartial { return [] }
        let present = Set(plan.resources.map { Entry(address: "", kind: $0.kind, name: $0.name) })
        return entries.filter {
            !present.contains(Entry(address: "", kind: $0.kind, name: $0.name))
        }.map(\.address)
    }

    /// Records what an apply of a plan left on the host.
    ///
    /// `applied` holds the addresses that are now as declared. Only a resource for which `leaves`
    /// is true is recorded: one that is declared absent, for example, leaves nothing to list.
    package mutating func take(
        _ plan: Plan, applied: Set<String>, leaves: (PlannedResource) -> Bool
    ) {
        for resource in plan.resources where applied.contains(resource.address) {
            entries.removeAll { $0.kind == resource.kind && $0.name == resource.name }
            guard leaves(resource) else { continue }
            entries.append(
                Entry(address: resource.address, kind: resource.kind, name: resource.name))
        }
    }
}
