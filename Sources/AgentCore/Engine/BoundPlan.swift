import FleetModel
import Kinds
import Resources
import Wire

/// A plan that was checked on arrival and bound to the behaviours of its kinds.
struct BoundPlan {
    /// One resource and its place in its batch.
    struct Item {
        let resource: PlannedResource
        let batch: any KindBatch
        let place: Int
        /// The positions of the resources it requires; all are earlier.
        let requires: [Int]
    }

    let plan: Plan
    let items: [Item]

    /// Reads a plan from its canonical bytes and checks all that can be checked without the host.
    init(
        bytes: [UInt8], digest: Digest, behaviours: BehaviourLookup = { $0.behaviour }
    ) throws(AgentFault) {
        guard Digest(of: bytes) == digest else {
            throw BoundPlan.fault("its content does not match its digest \(digest.short)")
        }
        let plan: Plan
        do {
            plan = try Plan(json: try JSON(parsing: bytes))
        } catch {
            throw BoundPlan.fault(error.description)
        }
        try self.init(plan, behaviours: behaviours)
    }

    /// Checks and binds a plan.
    init(_ plan: Plan, behaviours: BehaviourLookup = { $0.behaviour }) throws(AgentFault) {
        self.plan = plan
        var batches: [Kind: (batch: any KindBatch, count: Int)] = [:]
        var positions: [String: Int] = [:]
        var items: [Item] = []
        let handlers = Set(plan.handlers.map(\.address))
        guard handlers.count == plan.handlers.count else {
            throw BoundPlan.fault("two handlers have one address")
        }
        for handler in plan.handlers where handler.kind.schema.traits.handler == nil {
            throw BoundPlan.fault(
                "the handler \(handler.address) is of kind \(handler.kind.rawValue), "
                    + "which has no handlers")
        }
        for (position, resource) in plan.resources.enumerated() {
            var requires: [Int] = []
            for address in resource.requires {
                guard let earlier = positions[address] else {
                    throw BoundPlan.fault(
                        "\(resource.address) requires \(address), which does not come before it")
                }
                requires.append(earlier)
            }
            for address in resource.notify where !handlers.contains(address) {
                throw BoundPlan.fault(
                    "\(resource.address) notifies \(address), which is not a handler of the plan")
            }
            var (batch, count) =
                batches[resource.kind] ?? (makeBatch(behaviours(resource.kind)), 0)
            do {
                try batch.add(name: resource.name, attributes: resource.attributes)
            } catch {
                throw AgentFault(
                    "bad-plan", "read \(resource.address)",
                    cause: error.message, hint: error.hint)
            }
            items.append(Item(resource: resource, batch: batch, place: count, requires: requires))
            count += 1
            batches[resource.kind] = (batch, count)
            guard positions.updateValue(position, forKey: resource.address) == nil else {
                throw BoundPlan.fault("two resources have the address \(resource.address)")
            }
        }
        self.items = items
    }

    private static func fault(_ cause: String) -> AgentFault {
        AgentFault(
            "bad-plan", "read the plan", cause: cause,
            hint: "use a controller of the same version as the agent")
    }

    /// Observes resources, all of one kind in one go; gives the time each took, in microseconds.
    func observe(_ positions: [Int], on host: Host) -> [Int: Int] {
        var microseconds: [Int: Int] = [:]
        var left = positions[...]
        while let first = left.first {
            let kind = items[first].resource.kind
            let same = left.filter { items[$0].resource.kind == kind }
            left = left.filter { items[$0].resource.kind != kind }[...]
            let watch = Stopwatch()
            items[first].batch.observe(same.map { items[$0].place }, on: host)
            let share = watch.microseconds / same.count
            for position in same { microseconds[position] = share }
        }
        return microseconds
    }

    /// Findings about a resource that no apply can correct.
    func remarks(_ position: Int) -> [HostFinding] {
        items[position].batch.remarks(items[position].place)
    }

    /// What the last observation of a resource found.
    func finding(_ position: Int) -> Finding {
        items[position].batch.finding(items[position].place)
    }
}
