import FleetModel
import Wire

extension Store {
    /// Saves a plan and its hosts' plans together.
    package func save(_ saved: SavedPlan) throws(StoreError) {
        let attempted = "save the plan \(saved.id)"
        try withConnection { (connection) throws(StoreError) in
            try connection.transaction(attempting: attempted) {
                (connection: borrowing Connection) throws(StoreError) in
                try connection.run(
                    "INSERT INTO plans (id, created, requested_by, arguments) VALUES (?, ?, ?, ?)",
                    [
                        .text(saved.id), .real(saved.created), .text(saved.requestedBy),
                        .text(saved.arguments.canonicalText),
                    ], attempting: attempted)
                for plan in saved.plans {
                    try connection.run(
                        "INSERT INTO plan_hosts (plan_id, host, digest, plan) VALUES (?, ?, ?, ?)",
                        [
                            .text(saved.id), .text(plan.host), .text(plan.digest.description),
                            .text(plan.json.canonicalText),
                        ], attempting: attempted)
                }
            }
        }
    }

    /// The saved plan whose id begins with `prefix`; nil where none or several do.
    package func plan(idPrefix prefix: String) throws(StoreError) -> SavedPlan? {
        let attempted = "read the plan \(prefix)"
        let rows = try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "SELECT id, created, requested_by, arguments FROM plans WHERE substr(id, 1, ?) = ?",
                [.integer(prefix.count), .text(prefix)], attempting: attempted)
        }
        guard rows.count == 1, let row = rows.first, let id = row[0].text,
            let created = row[1].real, let by = row[2].text
        else { return nil }
        let arguments = try json(row[3].text, of: "the plan \(id)")
        let hosts = try withConnection { (connection) throws(StoreError) in
            try connection.run(
                "SELECT host, digest, plan FROM plan_hosts WHERE plan_id = ? ORDER BY host",
                [.text(id)], attempting: attempted)
        }
        var plans: [Plan] = []
        for host in hosts {
            let content = try json(host[2].text, of: "the plan \(id)")
            let plan: Plan
            do throws(JSONError) {
                plan = try Plan(json: content)
            } catch {
                throw damaged("the plan \(id)", error.description)
            }
            guard plan.digest.description == host[1].text else {
                throw damaged("the plan \(id)", "the plan of \(plan.host) has another digest")
            }
            plans.append(plan)
        }
        return SavedPlan(
            id: id, created: created, requestedBy: by, arguments: arguments, plans: plans)
    }
}
