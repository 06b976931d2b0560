import FleetModel
import Wire

/// A declared `network`: addresses and routes of an interface, which may be a VLAN or a bond.
package struct NetworkDeclaration: ResourceDeclaration {
    package enum Manager: String, Sendable {
        case networkd, ifupdown
    }

    package struct VLAN: Sendable, Equatable {
        package let id: Int
        package let parent: String
    }

    package struct Bond: Sendable, Equatable {
        /// The kernel's name of the mode: `802.3ad`.
        package let mode: String
        package let members: [String]
        /// The interval of link checks in milliseconds.
        package let miimon: Int
        package let primary: String?
        /// `slow` or `fast`; only for 802.3ad.
        package let lacpRate: String?
        package let hashPolicy: String?
    }

    package static let schema = KindSchema(
        .network, "Addresses and routes of an interface, which may be a VLAN or a bond.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The interface: ens1f0, bond0, bond0.100.",
        attributes: [
            AttributeSchema(
                "addresses", .list(.string), default: [],
                "All its addresses with prefix lengths: [10.1.2.3/24]."),
            AttributeSchema(
                "gateways", .list(.string), default: [],
                "Default gateways: at most one for IPv4 and one for IPv6."),
            AttributeSchema(
                "routes", .list(.map(.any)), default: [],
                "All its other routes: [{to: 10.9.0.0/16, via: 10.1.2.254, metric: 100}]. Without"
                    + " via, the "
                    + "network is directly on the link."),
            AttributeSchema(
                "dhcp", .oneOf(["no", "ipv4", "ipv6", "yes"]), default: "no",
                "Whether DHCP assigns addresses; running addresses are then not compared."),
            AttributeSchema("mtu", .integer(minimum: 68, maximum: 65_535), "The MTU in bytes."),
            AttributeSchema("vlan", .map(.any), "{id: 100, parent: bond0} makes it a VLAN."),
            AttributeSchema(
                "bond", .map(.any),
                "{mode: 802.3ad, members: [ens1f0, ens1f1]} makes it a bond. Also miimon (100), primary, "
                    + "lacp_rate, xmit_hash_policy."),
            AttributeSchema(
                "manager", .oneOf(["networkd", "ifupdown"]),
                "The network manager that persists it. Default: the one that the host uses."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Allows removing the address or route of muster's own connection."),
        ],
        notes: [
            "With systemd-networkd, the files are /etc/systemd/network/05-muster-NAME.network (and "
                + ".netdev); networkd is reloaded, or restarted if a VLAN or bond is created"
                + " again. With "
                + "ifupdown, the file is /etc/network/interfaces.d/muster-NAME, and the running"
                + " state is "
                + "changed with ip(8): new addresses and routes are added before old ones are"
                + " removed. A "
                + "host that has only NetworkManager is not changed, and the fault says so.",
            "The running state is read back afterwards: addresses of global scope that DHCP did"
                + " not "
                + "assign; routes in the main table that were set manually or from a file (not by"
                + " the "
                + "kernel, DHCP, router advertisements or a routing daemon); the VLAN id; the"
                + " members of "
                + "the bond.",
            "The interface of muster's own connection must keep its address and a route to the"
                + " other end, "
                + "both running and in the file. A change that violates this is refused: the next"
                + " boot "
                + "would not restore it and the host could become unreachable. may_cut_off allows"
                + " it.",
            "An earlier file that matches the same interface, or another stanza for it, is a"
                + " fault that "
                + "names the place. Members of a bond are managed by the bond and have no"
                + " resource of "
                + "their own. The parent of a VLAN must be declared, or have a .network file.",
            "state: absent removes the files, and the VLAN or bond itself. On other interfaces, "
                + "systemd-networkd removes the settings together with the file; with ifupdown"
                + " they stay "
                + "until the next boot. Sources: systemd.network(5), systemd.netdev(5),"
                + " interfaces(5), "
                + "ip-address(8), kernel, Documentation/networking/bonding.rst.",
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
    /// All routes, including the default routes from `gateways`.
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
                attribute, "\"\(name)\" is not an interface name",
                hint: "use at most 15 characters, without spaces, / and :")
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
                throw AttributeFault(
                    attribute, "\(text) has a prefix length, but a gateway is a single address")
            }
            if attribute == "addresses", !hasLength {
                throw AttributeFault(
                    attribute, "\(text) has no prefix length",
                    hint:
                        "write \(text)/\(prefix.isIPv4 ? 24 : 64), or \(text)/\(prefix.length)"
                        + " for a "
                        + "single address")
            }
            if found.contains(prefix) {
                throw AttributeFault(attribute, "\(text) is given twice")
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
                "vlan", "vlan must be a map of id and parent: {id: 100, parent: bond0}")
        }
        guard (1...4094).contains(id) else {
            throw AttributeFault("vlan", "\(id) is not a VLAN id from 1 to 4094")
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
                "bond must be a map with mode and members: {mode: 802.3ad, members: [ens1f0,"
                    + " ens1f1]}"
            )
        }
        for key in given.keys.sorted() where !known.contains(key) {
            throw AttributeFault(
                "bond", "\"\(key)\" is not a bond setting",
                hint: "the settings are \(known.joined(separator: ", "))")
        }
        guard modes.contains(mode) else {
            throw AttributeFault(
                "bond", "\"\(mode)\" is not a bond mode: use \(modes.joined(separator: ", "))")
        }
        for member in members { try checkName(member, "bond") }
        if Set(members).count != members.count {
            throw AttributeFault("bond", "a member is given twice")
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
            throw AttributeFault("bond", "lacp_rate must be slow or fast, and needs mode 802.3ad")
        }
        if bond.miimon < 0 { throw AttributeFault("bond", "miimon must be 0 or more milliseconds") }
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
                    "two routes to \(what) have the same metric", hint: "change one of the metrics"
                )
            }
            // A gateway outside all networks of the interface could not be reached.
            guard let via = route.via, dhcp == "no" else { continue }
            let isNear =
                addresses.contains { $0.contains(via) } || via.isLinkLocal
                || routes.contains { $0.via == nil && $0.destination?.contains(via) ?? false }
            if isPresent, !isNear {
                throw AttributeFault(
                    route.destination == nil ? "gateways" : "routes",
                    "the gateway \(via.address) is in no network of \(name)",
                    hint: "declare an address in its network, or a route to it without via")
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
    /// Whether the address is link-local (169.254.0.0/16 or fe80::/10).
    package var isLinkLocal: Bool {
        isIPv4 ? bytes.starts(with: [169, 254]) : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }
}
