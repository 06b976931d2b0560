import FleetModel
import Wire

extension SQLiteStore {
    package func save(_ saved: SavedPlan) throws(StoreError) {
        let attempted = "save the plan \(saved.id)"
        try transaction(attempting: attempted) {
            (connection: inout Connection) throws(StoreError) in
            try connection.run(
                "INSERT INTO plans (id, created, requested_by, arguments) VALUES (?, ?, ?, ?)",
                [
                    .text(saved.id), .real(saved.created), .text(saved.requestedBy),
                    .text(saved.arguments.canonicalText),
                ], attempting: attempted)
            for plan in saved.plans {
                let origins = JSON.object(plan.origins.mapValues { .string($0) })
                try connection.run(
                    """
                    INSERT INTO plan_hosts (plan_id, host, digest, plan, origins)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                    [
                        .text(saved.id), .text(plan.plan.host), .text(plan.digest.description),
                        // Canonical bytes are UTF-8, so they are read back unchanged.
                        .text(String(decoding: plan.bytes, as: UTF8.self)),
                        .text(origins.canonicalText),
                    ], attempting: attempted)
            }
        }
    }

    package func plan(idPrefix prefix: String) throws(StoreError) -> SavedPlan? {
        let attempted = "read the plan \(prefix)"
        let rows = try run(
            "SELECT id, created, requested_by, arguments FROM plans WHERE substr(id, 1, ?) = ?",
            [.integer(prefix.count), .text(prefix)], attempting: attempted)
        guard rows.count == 1, let row = rows.first, let id = row[0].text,
            let created = row[1].real, let by = row[2].text
        else { return nil }
        let arguments = try json(row[3].text, of: "the plan \(id)")
        let hosts = try run(
            "SELECT host, digest, plan, origins FROM plan_hosts WHERE plan_id = ? ORDER BY host",
            [.text(id)], attempting: attempted)
        var plans: [CompiledPlan] = []
        for host in hosts { plans.append(try plan(of: host, id)) }
        return SavedPlan(
            id: id, created: created, requestedBy: by, arguments: arguments, plans: plans)
    }

    private func plan(of row: [SQLValue], _ id: String) throws(StoreError) -> CompiledPlan {
        let origins = try json(row[3].text ?? "{}", of: "the plan \(id)").object ?? [:]
        let plan: CompiledPlan
        do throws(JSONError) {
            plan = try CompiledPlan(
                reading: Array((row[2].text ?? "").utf8),
                origins: origins.compactMapValues(\.string))
        } catch {
            throw damaged("the plan \(id)", error.description)
        }
        guard plan.digest.description == row[1].text else {
            throw damaged("the plan \(id)", "the plan of \(plan.plan.host) has another digest")
        }
        return plan
    }
}
