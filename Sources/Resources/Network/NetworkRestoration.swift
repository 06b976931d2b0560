import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// The running state of one interface, in the form that before-images hold.
enum NetworkSnapshot {
    /// Null where there is no such interface.
    static func json(_ name: String, _ state: NetworkState) -> JSON {
        guard let link = state.links[name] else { return .null }
        return .compact([
            "kind": .string(link.kind), "mtu": .integer(link.mtu), "up": .bool(link.isUp),
            "master": .optional(link.master), "made": made(link),
            "members": link.kind == "bond" ? .strings(state.members(of: name)) : nil,
            "addresses": .strings(link.addresses.map(\.text).sorted()),
            "routes": .array(
                (state.routes[name] ?? []).map(route).sorted {
                    $0.canonicalText < $1.canonicalText
                }),
        ])
    }

    /// The options that a VLAN or bond was created with; nil for a card.
    private static func made(_ link: NetworkLink) -> JSON? {
        switch link.kind {
        case "vlan":
            .compact([
                "id": link.vlanID.map { .integer($0) }, "parent": .optional(link.parent),
            ])
        case "bond":
            .compact([
                "mode": .optional(link.bondMode), "miimon": link.miimon.map { .integer($0) },
                "lacp_rate": .optional(link.lacpRate),
                "xmit_hash_policy": .optional(link.hashPolicy),
            ])
        default: nil
        }
    }

    private static func route(_ route: NetworkRoute) -> JSON {
        .compact([
            "to": .optional(route.destination?.text), "via": .optional(route.via?.address),
            "metric": .integer(route.effectiveMetric), "source": .optional(route.source?.address),
            "ipv4": .bool(route.isIPv4),
        ])
    }
}

extension Restoration {
    /// Puts an interface back as it ran: its kind and options, members, addresses and routes.
    ///
    /// The configuration files must have been put back before: systemd-networkd is told to reload
    /// them, and ip(8) then changes what still differs.
    static func network(
        _ name: String, _ saved: JSON, pause: @escaping () -> Void, on machine: any Machine
    ) -> Restoration {
        Restoration("the interface \(name)") { () throws(AgentFault) in
            NetworkSnapshot.json(name, try NetworkState(on: machine)) == saved
        } putBack: { () throws(AgentFault) in
            if try Networkctl.isRunning(on: machine) {
                try Networkctl.run(["reload"], on: machine)
                // networkctl returns before the reload is done.
                for _ in 0..<10 {
                    let state = try NetworkState(on: machine)
                    if NetworkSnapshot.json(name, state) == saved { return }
                    pause()
                }
            }
            try NetworkPutBack(name: name, saved: saved, machine: machine).make()
        }
    }

    /// Puts interfaces back as they run now.
    static func networks(
        _ names: [String], pause: @escaping () -> Void, on machine: any Machine
    ) throws(AgentFault) -> [Restoration] {
        let state = try NetworkState(on: machine)
        return names.map { name in
            .network(name, NetworkSnapshot.json(name, state), pause: pause, on: machine)
        }
    }
}

/// Puts an interface back as it was saved, with ip(8).
private struct NetworkPutBack {
    let name: String
    let saved: JSON
    let machine: any Machine

    func make() throws(AgentFault) {
        var state = try NetworkState(on: machine)
        let link = state.links[name]
        guard saved != .null else {
            guard let link else { return }
            guard ["vlan", "bond"].contains(link.kind) else {
                throw fault("it did not exist before, and a card cannot be deleted")
            }
            return try ip(["link", "del", "dev", name])
        }
        let isOther =
            link.map { _ in
                let now = NetworkSnapshot.json(name, state)
                return now["kind"] != saved["kind"] || now["made"] != saved["made"]
            } ?? true
        if isOther {
            guard let words = words() else { throw fault("the card no longer exists") }
            if link != nil { try ip(["link", "del", "dev", name]) }
            try ip(["link", "add"] + words)
            state = try NetworkState(on: machine)
        }
        try putMembers(state)
        try putLink(state.links[name])
        try putAddresses(state)
    }

    private func fault(_ cause: String) -> AgentFault {
        AgentFault("not-put-back", "put back the interface \(name)", cause: cause)
    }

    /// The arguments of `ip link add` that create the interface; nil for a card.
    private func words() -> [String]? {
        let made = saved["made"]
        switch saved["kind"]?.string {
        case "vlan":
            guard let id = made?["id"]?.integer, let parent = made?["parent"]?.string else {
                return nil
            }
            return ["link", parent, "name", name, "type", "vlan", "id", String(id)]
        case "bond":
            let options = ["mode", "lacp_rate", "xmit_hash_policy"].flatMap { key in
                made?[key]?.string.map { [key, $0] } ?? []
            }
            let miimon = made?["miimon"]?.integer.map { ["miimon", String($0)] } ?? []
            return ["name", name, "type", "bond"] + options + miimon
        default: return nil
        }
    }

    private func putMembers(_ state: NetworkState) throws(AgentFault) {
        guard let members = saved["members"]?.array?.compactMap(\.string) else { return }
        let now = state.members(of: name)
        for member in members where !now.contains(member) {
            try ip(["link", "set", "dev", member, "down"])
            try ip(["link", "set", "dev", member, "master", name])
            try ip(["link", "set", "dev", member, "up"])
        }
        for member in now where !members.contains(member) {
            try ip(["link", "set", "dev", member, "nomaster"])
        }
    }

    private func putLink(_ link: NetworkLink?) throws(AgentFault) {
        let master = saved["master"]?.string
        if let master, link?.master != master {
            try ip(["link", "set", "dev", name, "master", master])
        } else if master == nil, link?.master != nil {
            try ip(["link", "set", "dev", name, "nomaster"])
        }
        if let mtu = saved["mtu"]?.integer, link?.mtu != mtu {
            try ip(["link", "set", "dev", name, "mtu", String(mtu)])
        }
        if let isUp = saved["up"]?.bool, link?.isUp != isUp {
            try ip(["link", "set", "dev", name, isUp ? "up" : "down"])
        }
    }

    private func putAddresses(_ state: NetworkState) throws(AgentFault) {
        let addresses = (saved["addresses"]?.array ?? []).compactMap(\.string)
        let there = (state.links[name]?.addresses ?? []).map(\.text)
        for address in addresses where !there.contains(address) {
            try ip(["addr", "add", address, "dev", name])
        }
        let routes = saved["routes"]?.array ?? []
        let now = NetworkSnapshot.json(name, try NetworkState(on: machine))["routes"]?.array ?? []
        for route in routes where !now.contains(route) { try ip(words(route, "replace")) }
        for route in now where !routes.contains(route) {
            // `ip route replace` above has already removed a route with the same key.
            let isReplaced = routes.contains { other in
                ["to", "ipv4", "metric"].allSatisfy { other[$0] == route[$0] }
            }
            if !isReplaced { try ip(words(route, "del")) }
        }
        for address in there where !addresses.contains(address) {
            try ip(["addr", "del", address, "dev", name])
        }
    }

    private func words(_ route: JSON, _ verb: String) -> [String] {
        let isIPv4 = route["ipv4"]?.bool ?? true
        var words = isIPv4 ? [] : ["-6"]
        words += ["route", verb, route["to"]?.string ?? "default"]
        if let via = route["via"]?.string { words += ["via", via] }
        words += ["dev", name]
        let metric = route["metric"]?.integer ?? 0
        if metric != (isIPv4 ? 0 : 1024) { words += ["metric", String(metric)] }
        if let source = route["source"]?.string { words += ["src", source] }
        return words
    }

    private func ip(_ arguments: [String]) throws(AgentFault) {
        try IfupdownChange.ip(arguments, on: machine)
    }
}

/// Calls of networkctl(1).
enum Networkctl {
    private static let program = "/usr/bin/networkctl"

    /// Whether systemd-networkd runs.
    static func isRunning(on machine: any Machine) throws(AgentFault) -> Bool {
        try attempt("look for systemd-networkd") { () throws(SystemError) in
            // It is a dangling symbolic link: its target is the invocation ID.
            try machine.statusIfPresent(NetworkdFiles.unit) != nil
        }
    }

    static func run(_ arguments: [String], on machine: any Machine) throws(AgentFault) {
        let attempted = "networkctl \(arguments.joined(separator: " "))"
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(program, arguments))
        }
        guard result.succeeded else {
            throw AgentFault(
                "networkctl", attempted,
                cause: "networkctl \(result.endText): \(ProgramText.excerpt(of: result))",
                hint: "`systemctl status systemd-networkd` on the host says more")
        }
    }
}
