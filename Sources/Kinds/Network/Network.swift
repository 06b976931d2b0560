import FleetModel
import Wire

/// A declared `network`: addresses and routes of one interface, which may be a VLAN or a bond.
package struct NetworkDeclaration: ResourceDeclaration {
    package enum Manager: String, Sendable {
        case networkd, ifupdown
    }

    package struct VLAN: Sendable, Equatable {
        package let id: Int
        package let parent: String
    }

    package struct Bond: Sendable, Equatable {
        /// As the kernel writes it: `802.3ad`.
        package let mode: String
        package let members: [String]
        /// Milliseconds between looks at the links.
        package let miimon: Int
        package let primary: String?
        /// `slow` or `fast`; of 802.3ad only.
        package let lacpRate: String?
        package let hashPolicy: String?
    }

    package static let schema = KindSchema(
        .network, "Addresses and routes of an interface; a VLAN or a bond where it is one.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The interface: ens1f0, bond0, bond0.100.",
        attributes: [
            AttributeSchema(
                "addresses", .list(.string), default: [],
                "All its addresses, with the length of the network: [10.1.2.3/24]."),
            AttributeSchema(
                "gateways", .list(.string), default: [],
                "Routers for everything that has no other route, one of IPv4 and one of IPv6."),
            AttributeSchema(
                "routes", .list(.map(.any)), default: [],
                "All its other routes: [{to: 10.9.0.0/16, via: 10.1.2.254, metric: 100}]. Without via the "
                    + "network is on the link."),
            AttributeSchema(
                "dhcp", .oneOf(["no", "ipv4", "ipv6", "yes"]), default: "no",
                "Whether a server gives it addresses; those running are then not compared."),
            AttributeSchema("mtu", .integer(minimum: 68, maximum: 65_535), "Bytes of a packet."),
            AttributeSchema("vlan", .map(.any), "{id: 100, parent: bond0} makes it a VLAN."),
            AttributeSchema(
                "bond", .map(.any),
                "{mode: 802.3ad, members: [ens1f0, ens1f1]} makes it a bond. Also miimon (100), primary, "
                    + "lacp_rate, xmit_hash_policy."),
            AttributeSchema(
                "manager", .oneOf(["networkd", "ifupdown"]),
                "What keeps it. Not given: what the host uses."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Lets the address or route go that muster's own connection comes in by."),
        ],
        notes: [
            "systemd-networkd keeps it in /etc/systemd/network/05-muster-NAME.network (and .netdev), "
                + "reloaded, or restarted where a VLAN or bond is made anew; ifupdown in /etc/network/interfaces.d/muster-NAME, and what runs is changed by "
                + "ip(8) in the order that loses nothing: what is new comes before what goes. A host of "
                + "NetworkManager alone is told so, and left.",
            "What runs is read again after that: addresses of global scope that no server gave, routes of "
                + "the main table that were set by hand or by a file (not those of the kernel, DHCP, router "
                + "advertisements or a routing daemon), the VLAN's number, the bond's members.",
            "The interface that muster's own connection comes in by keeps the address and a route to the "
                + "other end, running and in the file, or the change is refused: the next boot would "
                + "not restore it and the host could become unreachable. may_cut_off allows it.",
            "A file that comes earlier and fits the same interface, or another stanza of it, is a fault "
                + "that names the place. A member of a bond is the bond's: it has no resource of its own. The "
                + "parent of a VLAN must be declared, or have a .network file.",
            "state: absent takes its files away, and the VLAN or bond itself. What systemd-networkd set on a "
                + "card goes with its file; with ifupdown it stays until the next boot. Sources: systemd.network(5), systemd.netdev(5), "
                + "interfaces(5), ip-address(8), kernel, Documentation/networking/bonding.rst.",
        ],
        example: """
            - network: bond0
              bond: {mode: active-backup, members: [ens1f0, ens1f1]}
              addresses: [10.1.2.3/24]
              routes: [{to: 10.9.0.0/16, via: 10.1.2.254}]
            """)

    package let name: String
    package let isPresent: Bool
    package let addresses: [IPPrefix]
    /// The gateways are among them.
    package let routes: [NetworkRoute]
    package let dhcp: String
    package let mtu: Int?
    package let vlan: VLAN?
    package let bond: Bond?
    package let manager: Manager?
    package let mayCutOff: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try Self.checkName(name, nil)
        let reader = AttributeReader(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        addresses = try Self.prefixes(reader, "addresses")
        let gateways = try Self.prefixes(reader, "gateways")
        let routes = try (attributes["routes"]?.array ?? []).map {
            (json) throws(AttributeFault) in try NetworkRoute(json)
        }
        self.routes = gateways.map { NetworkRoute(destination: nil, via: $0) } + routes
        dhcp = try reader.optionalString("dhcp") ?? "no"
        mtu = try reader.optionalInteger("mtu")
        vlan = try Self.vlan(attributes["vlan"])
        bond = try Self.bond(attributes["bond"])
        manager = try reader.optionalString("manager").flatMap(Manager.init(rawValue:))
        mayCutOff = try reader.bool("may_cut_off", default: false)
        try checkTogether()
    }

    private static func checkName(_ name: String, _ attribute: String?) throws(AttributeFault) {
        guard !name.isEmpty, name.utf8.count < 16, name != ".", name != "..",
            name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 47 && $0 != 58 })
        else {
            throw AttributeFault(
                attribute, "\"\(name)\" is not the name of an interface",
                hint: "at most 15 characters, no space, / or :")
        }
    }

    private static func prefixes(
        _ reader: AttributeReader, _ attribute: String
    ) throws(AttributeFault) -> [IPPrefix] {
        var found: [IPPrefix] = []
        for text in try reader.optionalStrings(attribute) ?? [] {
            let prefix: IPPrefix
            do throws(ValueFault) {
                prefix = try IPPrefix(text)
            } catch {
                throw AttributeFault(attribute, error.message, hint: error.hint)
            }
            let hasLength = text.utf8.contains(47)
            if attribute == "gateways", hasLength {
                throw AttributeFault(attribute, "\(text) is a network, not the address of a router")
            }
            if attribute == "addresses", !hasLength {
                throw AttributeFault(
                    attribute, "\(text) has no length of its network",
                    hint:
                        "\(text)/\(prefix.isIPv4 ? 24 : 64), or \(text)/\(prefix.length) where it stands "
                        + "alone")
            }
            if found.contains(prefix) {
                throw AttributeFault(attribute, "\(text) is there twice")
            }
            found.append(prefix)
        }
        return found
    }

    private static func vlan(_ json: JSON?) throws(AttributeFault) -> VLAN? {
        guard let json, json != .null else { return nil }
        guard let members = json.object, Set(members.keys) == ["id", "parent"],
            let id = members["id"]?.integer, let parent = members["parent"]?.string
        else {
            throw AttributeFault(
                "vlan", "a vlan is a map of id and parent: {id: 100, parent: bond0}")
        }
        guard (1...4094).contains(id) else {
            throw AttributeFault("vlan", "\(id) is not the number of a VLAN: 1 to 4094")
        }
        try checkName(parent, "vlan")
        return VLAN(id: id, parent: parent)
    }

    private static let modes = [
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
        "balance-alb",
    ]

    private static func bond(_ json: JSON?) throws(AttributeFault) -> Bond? {
        guard let json, json != .null else { return nil }
        let known = ["mode", "members", "miimon", "primary", "lacp_rate", "xmit_hash_policy"]
        guard let given = json.object, let mode = given["mode"]?.string,
            let members = given["members"]?.array?.map({ $0.string ?? "" }), !members.isEmpty
        else {
            throw AttributeFault(
                "bond",
                "a bond is a map of mode and members: {mode: 802.3ad, members: [ens1f0, ens1f1]}")
        }
        for key in given.keys.sorted() where !known.contains(key) {
            throw AttributeFault(
                "bond", "\"\(key)\" says nothing of a bond", hint: known.joined(separator: ", "))
        }
        guard modes.contains(mode) else {
            throw AttributeFault(
                "bond", "\"\(mode)\" is not a mode: one of \(modes.joined(separator: ", "))")
        }
        for member in members { try checkName(member, "bond") }
        if Set(members).count != members.count {
            throw AttributeFault("bond", "a member is there twice")
        }
        let bond = Bond(
            mode: mode, members: members, miimon: given["miimon"]?.integer ?? 100,
            primary: given["primary"]?.string, lacpRate: given["lacp_rate"]?.string,
            hashPolicy: given["xmit_hash_policy"]?.string)
        if let primary = bond.primary, !members.contains(primary) {
            throw AttributeFault("bond", "the primary \(primary) is not among the members")
        }
        if bond.primary != nil, !["active-backup", "balance-tlb", "balance-alb"].contains(mode) {
            throw AttributeFault("bond", "a bond of mode \(mode) has no primary")
        }
        if let rate = bond.lacpRate, mode != "802.3ad" || !["slow", "fast"].contains(rate) {
            throw AttributeFault("bond", "lacp_rate is slow or fast, of a bond of mode 802.3ad")
        }
        if bond.miimon < 0 { throw AttributeFault("bond", "miimon is a number of milliseconds") }
        return bond
    }

    private func checkTogether() throws(AttributeFault) {
        if vlan != nil, bond != nil {
            throw AttributeFault("vlan", "\(name) cannot be a VLAN and a bond")
        }
        if let parent = vlan?.parent, parent == name {
            throw AttributeFault("vlan", "\(name) cannot be its own parent")
        }
        if bond?.members.contains(name) == true {
            throw AttributeFault("bond", "\(name) cannot be its own member")
        }
        var seen: Set<String> = []
        for route in routes {
            let key =
                "\(route.isIPv4) \(route.destination?.text ?? "default") \(route.effectiveMetric)"
            if !seen.insert(key).inserted {
                let what = route.destination?.text ?? "everywhere"
                throw AttributeFault(
                    route.destination == nil ? "gateways" : "routes",
                    "two routes to \(what) have one metric", hint: "give one of them another metric"
                )
            }
            // A router that no address is next to is never reached.
            guard let via = route.via, dhcp == "no" else { continue }
            let isNear =
                addresses.contains { $0.contains(via) } || via.isLinkLocal
                || routes.contains { $0.via == nil && $0.destination?.contains(via) ?? false }
            if isPresent, !isNear {
                throw AttributeFault(
                    route.destination == nil ? "gateways" : "routes",
                    "the router \(via.address) is in no network of \(name)",
                    hint: "declare an address beside it, or a route to it without via")
            }
        }
    }

    package var owns: [Claim] {
        ([name] + (bond?.members ?? [])).map { .networkInterface($0) }
    }

    package var needs: [Claim] {
        var needs: [Claim] = (vlan.map { [.networkInterface($0.parent)] } ?? [])
        for folder in ["/etc/systemd/network", "/etc/network/interfaces.d"] {
            needs.append(.path(folder))
        }
        return needs
    }
}

extension IPPrefix {
    /// Whether it means something on one link alone.
    package var isLinkLocal: Bool {
        isIPv4 ? bytes.starts(with: [169, 254]) : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }
}
