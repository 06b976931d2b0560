import FleetModel
import Views
import Wire

extension HostTransition: ModelCodable {
    /// The JSON form that the store keeps.
    package var json: JSON {
        var members: [String: JSON?] = [
            "host": .string(host), "state": .string(state.name.rawValue),
            "good": isGood.map { .bool($0) },
        ]
        members["outcome"] = state.outcome.map { .string($0.rawValue) }
        switch state.progress {
        case .nothing: break
        case .plan(let plan, let serial):
            members["plan"] = .string(plan.description)
            members["serial"] = .integer(serial)
        case .reboot(let plan, let boot):
            members["plan"] = .string(plan.description)
            members["boot"] = .string(boot)
        }
        return .compact(members)
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "state of a host")
        host = try reader.string("host")
        let name: HostState.Name = try reader.name("state")
        isGood = try reader.optional("good").map { (json) throws(JSONError) in
            guard case .bool(let value) = json else { throw JSONError("\"good\" is not a boolean") }
            return value
        }
        let outcome = try reader.optionalString("outcome").flatMap { HostOutcome(rawValue: $0) }
        let plan = try reader.optionalString("plan").flatMap { Digest($0) }
        let serial = reader.optional("serial")?.integer
        let boot = try reader.optionalString("boot")
        try reader.end()
        let progress: HostState.Progress =
            switch (plan, serial, boot) {
            case (let plan?, let serial?, nil): .plan(plan, serial: serial)
            case (let plan?, nil, let boot?): .reboot(plan, boot: boot)
            default: .nothing
            }
        switch (name, progress, outcome) {
        case (.waiting, .nothing, nil): state = .waiting
        case (.connecting, let after, nil): state = .connecting(after: after)
        case (.planned, .plan(let plan, let serial), nil):
            state = .planned(plan: plan, serial: serial)
        case (.running, .plan(let plan, let serial), nil):
            state = .running(plan: plan, serial: serial)
        case (.rebooting, .reboot(let plan, let boot), nil):
            state = .rebooting(plan: plan, boot: boot)
        case (.back, .plan(let plan, let serial), nil): state = .back(plan: plan, serial: serial)
        case (.ended, let from, let outcome?): state = .ended(outcome, from: from)
        default: throw JSONError("\(name.rawValue) of \(host) does not fit its other members")
        }
    }
}
