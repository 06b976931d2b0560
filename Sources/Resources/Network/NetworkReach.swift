import FleetModel
import Kinds

/// Whether muster could still reach the host once the interface is as declared.
enum NetworkReach {
    /// The fault if muster would lose its connection; nil if it would not.
    static func cutOff(
        _ declaration: NetworkDeclaration, _ observation: NetworkBehaviour.Observation
    ) -> AgentFault? {
        for end in observation.ends {
            if let cause = loss(declaration, observation, end) {
                return AgentFault(
                    "cuts-off", "set up the interface \(declaration.name)", cause: cause,
                    hint:
                        "muster comes from \(end.peer.address) to \(end.local.address): keep the "
                        + "address and the route, connect through another interface, or declare "
                        + "may_cut_off: true")
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
            // An interface that is already in the bond carries no addresses of its own.
            return observation.members.contains(end.link)
                ? nil
                : "\(end.link) carries muster's own connection, and would join \(name)"
        }
        if !declaration.isPresent {
            return "muster's own connection uses \(name), and nothing would configure it any more"
        }
        // The DHCP server may give the same address or another one; muster cannot tell.
        if declaration.dhcp != "no" { return nil }
        let isOnLink = observation.link?.allAddresses.contains {
            $0.bytes == end.local.bytes
        }
        if isOnLink ?? false,
            !declaration.addresses.contains(where: { $0.bytes == end.local.bytes })
        {
            return "muster's own connection uses \(end.local.address), which would be removed"
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
