import FleetModel
import Kinds

/// Whether a host could still be reached as declared, by the way muster comes in.
enum NetworkReach {
    /// What would be lost; nil where nothing would.
    static func cutOff(
        _ declaration: NetworkDeclaration, _ observation: NetworkBehaviour.Observation
    ) -> AgentFault? {
        for end in observation.ends {
            if let cause = loss(declaration, observation, end) {
                return AgentFault(
                    "cuts-off", "set up the interface \(declaration.name)", cause: cause,
                    hint:
                        "muster came from \(end.peer.address) to \(end.local.address): keep both, come in "
                        + "by another interface, or declare may_cut_off: true")
            }
        }
        return nil
    }

    private static func loss(
        _ declaration: NetworkDeclaration, _ observation: NetworkBehaviour.Observation,
        _ end: OwnEnd
    ) -> String? {
        let name = declaration.name
        if end.link != name {
            // One that is in the bond already carries no addresses of its own.
            return observation.members.contains(end.link)
                ? nil
                : "\(end.link) carries muster's own connection, and would be a member of \(name)"
        }
        if !declaration.isPresent {
            return "muster's own connection comes in by \(name), and nothing would set it up again"
        }
        // A server may give the same address again, or another: it did before.
        if declaration.dhcp != "no" { return nil }
        let isOnLink = observation.link?.allAddresses.contains {
            $0.bytes == end.local.bytes
        }
        if isOnLink ?? false,
            !declaration.addresses.contains(where: { $0.bytes == end.local.bytes })
        {
            return "the address \(end.local.address), which muster's own connection has, would go"
        }
        let isNear = declaration.addresses.contains { $0.contains(end.peer) }
        let isRouted = declaration.routes.contains { route in
            route.isIPv4 == end.peer.isIPv4 && route.destination?.contains(end.peer) ?? true
        }
        return isNear || isRouted || end.peer.isLinkLocal
            ? nil
            : "no route would lead to \(end.peer.address), where muster's own connection comes from"
    }
}
