import FleetModel
import Kinds
import Linux
import SystemFaults

/// Sets up an interface with ifupdown: writes its stanzas, and changes what runs with ip(8).
struct IfupdownChange {
    let declaration: NetworkDeclaration
    let found: NetworkBehaviour.Observation
    let host: Host
    private var machine: any Machine { host.machine }

    func make(isMadeAnew: Bool) throws(AgentFault) {
        let name = declaration.name
        let isUp = try isBroughtUp(name)
        try undoing { (undo) throws(AgentFault) in
            try NetworkBehaviour.note(declaration, found, &undo, on: host)
            guard declaration.isPresent, !isMadeAnew else {
                // ifdown needs the old stanzas. A card is not taken down: it keeps what it has.
                let hasDevice = ["vlan", "bond"].contains(found.link?.kind ?? "")
                if isUp, hasDevice { try run("/sbin/ifdown", ["--force", name]) }
                try removeDevice()
                try NetworkBehaviour.keep(found.files, &undo, on: machine)
                if declaration.isPresent { try run("/sbin/ifup", [name]) }
                return
            }
            try NetworkBehaviour.keep(found.files, &undo, on: machine)
            // ifup fails on an address that already exists, and is never run on a link that carries
            // muster's own connection. There, ip(8) changes only what differs.
            let isClean = found.link?.addresses.isEmpty ?? true
            let isOwn = found.ends.contains { $0.link == name }
            if !isUp, isClean, !isOwn { try run("/sbin/ifup", ["--force", name]) }
            try changeWhatRuns()
        }
    }

    /// Deletes a VLAN or bond that ifdown left, because ifup had not brought it up.
    private func removeDevice() throws(AgentFault) {
        guard ["vlan", "bond"].contains(found.link?.kind ?? "") else { return }
        let state = try NetworkState(on: machine)
        if state.links[declaration.name] != nil {
            try Self.ip(["link", "del", "dev", declaration.name], on: machine)
        }
    }

    private func isBroughtUp(_ name: String) throws(AgentFault) -> Bool {
        let text = try machine.readText(IfupdownFile.state, limit: 1 << 20)
        return (text ?? "").filledLines.contains { line in
            line.prefix { $0 != "=" } == name
        }
    }

    /// Adds what is new before it removes what is old, so that the host stays reachable.
    private func changeWhatRuns() throws(AgentFault) {
        let name = declaration.name
        let state = try NetworkState(on: machine)
        guard let link = state.links[name] else { return }
        if let mtu = declaration.mtu, mtu != link.mtu {
            try Self.ip(["link", "set", "dev", name, "mtu", String(mtu)], on: machine)
        }
        try exchangeMembers(state)
        if !link.isUp { try Self.ip(["link", "set", "dev", name, "up"], on: machine) }
        guard declaration.dhcp == "no" else { return }
        let routes = state.routes[name] ?? []
        for address in declaration.addresses where !link.addresses.contains(address) {
            try Self.ip(["addr", "add", address.text, "dev", name], on: machine)
        }
        for route in declaration.routes where !Self.contains(routes, route) {
            try Self.ip(Self.words(route, "replace", name), on: machine)
        }
        for route in routes where !Self.contains(declaration.routes, route) {
            // `ip route replace` has already removed a route that it replaced.
            let isReplaced = declaration.routes.contains {
                $0.destination == route.destination && $0.isIPv4 == route.isIPv4
                    && $0.effectiveMetric == route.effectiveMetric
            }
            if !isReplaced { try Self.ip(Self.words(route, "del", name), on: machine) }
        }
        for address in link.addresses where !declaration.addresses.contains(address) {
            try Self.ip(["addr", "del", address.text, "dev", name], on: machine)
        }
    }

    private func exchangeMembers(_ state: NetworkState) throws(AgentFault) {
        guard let bond = declaration.bond else { return }
        let name = declaration.name
        let now = state.members(of: name)
        for member in bond.members where !now.contains(member) {
            try Self.ip(["link", "set", "dev", member, "down"], on: machine)
            try Self.ip(["link", "set", "dev", member, "master", name], on: machine)
            try Self.ip(["link", "set", "dev", member, "up"], on: machine)
        }
        for member in now where !bond.members.contains(member) {
            try Self.ip(["link", "set", "dev", member, "nomaster"], on: machine)
        }
    }

    /// Whether `routes` contains `route`; a declared route may leave the source to the kernel.
    private static func contains(_ routes: [NetworkRoute], _ route: NetworkRoute) -> Bool {
        routes.contains {
            $0.destination == route.destination && $0.via == route.via
                && $0.isIPv4 == route.isIPv4 && $0.effectiveMetric == route.effectiveMetric
                && ($0.source == nil || route.source == nil || $0.source == route.source)
        }
    }

    /// A route in the words of ip-route(8).
    static func words(_ route: NetworkRoute, _ verb: String, _ name: String) -> [String] {
        (route.isIPv4 ? [] : ["-6"])
            + ["route", verb, route.destination?.text ?? "default"]
            + (route.via.map { ["via", $0.address] } ?? []) + ["dev", name]
            + (route.metric.map { ["metric", String($0)] } ?? [])
            + (route.source.map { ["src", $0.address] } ?? [])
    }

    /// A bond in the words of ip-link(8).
    static func options(_ bond: NetworkDeclaration.Bond) -> [String] {
        ["mode", bond.mode, "miimon", String(bond.miimon)]
            + (bond.lacpRate.map { ["lacp_rate", $0] } ?? [])
            + (bond.hashPolicy.map { ["xmit_hash_policy", $0] } ?? [])
    }

    static func ip(_ arguments: [String], on machine: any Machine) throws(AgentFault) {
        try run(NetworkState.program, arguments, on: machine)
    }

    private func run(_ program: String, _ arguments: [String]) throws(AgentFault) {
        try Self.run(program, arguments, on: machine)
    }

    private static func run(
        _ program: String, _ arguments: [String], on machine: any Machine
    ) throws(AgentFault) {
        let words = ([PathName.last(of: program)] + arguments).joined(separator: " ")
        let result = try attempt(words) { () throws(SystemError) in
            try machine.run(ProgramCall(program, arguments, timeoutSeconds: 120))
        }
        guard result.succeeded else {
            throw AgentFault(
                "network-refused", words,
                cause: "\(PathName.last(of: program)) \(result.endText): "
                    + ProgramText.excerpt(of: result))
        }
    }
}
