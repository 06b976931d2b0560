import FleetModel
import Wire

/// A declared `nic`: settings of a network card and its driver.
package struct NICDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .nic, "Settings of a network card and its driver: rings, queues, coalescing, offloads.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary:
            "An interface (ens1f0), a PCI address (0000:41:00.0) or the permanent MAC address "
            + "(00:0f:53:2a:00:10). For a bond or VLAN, the cards below it.",
        attributes: [
            AttributeSchema("link", .oneOf(["up", "down"]), "Whether the interface is up."),
            AttributeSchema("mtu", .integer(minimum: 68, maximum: 65_535), "The MTU in bytes."),
            AttributeSchema(
                "rings", .map(.integer(minimum: 0)),
                "The number of descriptors per ring: {rx: 4096, tx: 2048}. Also rx-mini,"
                    + " rx-jumbo."),
            AttributeSchema(
                "channels", .map(.integer(minimum: 0)),
                "The number of queues, each with an interrupt: {combined: 4}. Also rx, tx, other."),
            AttributeSchema(
                "coalescing", .map(.any),
                "Interrupt coalescing: {adaptive-rx: false, rx-usecs: 0}; names as in "
                    + "ethtool -C."),
            AttributeSchema(
                "features", .map(.boolean),
                "Offloads: {gro: false, lro: false}; short or long names as in ethtool -K."),
            AttributeSchema(
                "pause", .map(.boolean), "Flow control: {autoneg: false, rx: false, tx: false}."),
            AttributeSchema(
                "private_flags", .map(.boolean), "The driver's flags: {link-down-on-reset: true}."),
            AttributeSchema(
                "rss", .map(.any),
                "How received packets are spread over queues: {equal: 4}, or {weight: [6, 2]}."),
            AttributeSchema("rss_key", .string, "The key of the RSS hash: bytes in hex, 6d:5a:…"),
            AttributeSchema(
                "ntuple", .list(.map(.any)),
                "All flow rules: [{flow: udp4, dst_ip: 239.1.1.1, dst_port: 30001, queue: 2}]; "
                    + "drop: true instead of queue drops the packets."),
            AttributeSchema("xps_cpus", .cpuList, "The CPUs that may use any transmit queue."),
            AttributeSchema(
                "rps_cpus", .string, "The CPUs for receive packet steering (RPS); none for no RPS."
            ),
            AttributeSchema(
                "timestamps", .map(.any),
                "Hardware timestamps: {rx: all, tx: true}; rx is a filter in linux/net_tstamp.h."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Allows changes that take down the link of muster's own connection."),
        ],
        notes: [
            "Settings are read and written with the kernel interface of ethtool, in an order in"
                + " which "
                + "later ones do not reset earlier ones: MTU, flags, channels, rings, RSS, rules, "
                + "features, coalescing, pause, XPS and RPS, timestamps. Each is read back; if"
                + " one is "
                + "refused, the settings made before it are restored.",
            "Changes of rings, channels, MTU, pause and private flags count as link_flap while"
                + " the link is "
                + "up, and the plan shows it. On the link of muster's own connection they are"
                + " refused, "
                + "unless may_cut_off is true.",
            "Settings that a driver does not support are listed and left out. A fixed feature, a"
                + " ring "
                + "larger than the card allows, and channels in use by an attached Onload are"
                + " faults.",
            "Persisted in a systemd .link file, which udev applies before the interface is up, as"
                + " far as "
                + "such a file can express the settings; muster's boot unit (muster-boot-late)"
                + " applies "
                + "the others. Only the first matching .link file counts: if a file other than"
                + " systemd's "
                + "default matches the card, it stays in use and the boot unit applies all"
                + " settings.",
            "state: absent removes what is persisted; the running settings stay until the next"
                + " boot. "
                + "Sources: ethtool(8), systemd.link(5), kernel, "
                + "Documentation/networking/scaling.rst.",
        ],
        example: """
            - nic: ens1f0
              rings: {rx: 2048, tx: 2048}
              channels: {combined: 2}
              coalescing: {adaptive-rx: false, rx-usecs: 0}
              features: {lro: false, gro: false}
              pause: {rx: false, tx: false}
            """)

    /// NIC settings come before the affinity of their interrupts.
    package static let bootOrder = BootOrder(.late, rank: 0)

    package enum Spread: Sendable, Equatable {
        /// Evenly over this number of rings, from the first.
        case equal(Int)
        /// A weight for each ring, from the first.
        case weights([Int])
    }

    package let name: String
    package let isPresent: Bool
    package let record: BootRecord
    package let isUp: Bool?
    package let mtu: Int?
    package let rings: [String: Int]
    package let channels: [String: Int]
    package let coalescing: [String: Int]
    package let features: [String: Bool]
    package let pause: [String: Int]
    package let privateFlags: [String: Bool]
    package let spread: Spread?
    package let key: [UInt8]?
    /// Nil leaves the rules unchanged; an empty list removes all.
    package let rules: [NICRule]?
    package let xps: CPUList?
    /// Empty for no RPS.
    package let rps: CPUList?
    /// The filter for timestamps of received packets.
    package let receiveFilter: String?
    /// Whether sent packets get timestamps.
    package let stampsSent: Bool?
    package let mayCutOff: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard !name.isEmpty, !name.contains("/"), !name.contains(where: \.isWhitespace),
            name != ".", name != ".."
        else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is not the name of a network card",
                hint: "use an interface, a PCI address or a MAC address")
        }
        let reader = AttributeReader(attributes)
        let fields = NICFields(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.nic, name, attributes)
        isUp = try reader.optionalString("link").map { $0 == "up" }
        mtu = try reader.optionalInteger("mtu")
        rings = try fields.integers("rings", NICNames.rings)
        channels = try fields.integers("channels", NICNames.channels)
        coalescing = try fields.coalescing()
        features = try fields.booleans("features", nil)
        pause = try fields.booleans("pause", NICNames.pause).mapValues { $0 ? 1 : 0 }
        privateFlags = try fields.booleans("private_flags", nil)
        spread = try fields.spread()
        key = try fields.key()
        rules = try fields.rules()
        xps = try reader.optionalCPUs("xps_cpus")
        rps = try fields.receiveCPUs()
        (receiveFilter, stampsSent) = try fields.timestamps()
        mayCutOff = try reader.bool("may_cut_off", default: false)
        let settings = Self.schema.attributes.map(\.name).filter { $0 != "may_cut_off" }
        if isPresent, !settings.contains(where: reader.has) {
            throw AttributeFault(nil, "no setting is given", hint: "rings: {rx: 4096}")
        }
        if !isPresent { try reader.refuse(settings, because: "with state: absent") }
    }

    package var owns: [Claim] { [.knobs("the settings of the network card \(name)")] }
    package var provides: [Claim] { [.networkCards] }

    /// Nil if the link is declared down, because the boot unit must not wait for it.
    package var awaitedCard: String? { isUp == false ? nil : name }

    package var interrupts: InterruptShare? {
        guard isPresent else { return nil }
        func count(_ name: String) -> Int { channels[name] ?? 0 }
        return .queues(count("combined") + max(count("rx"), count("tx")))
    }
}

/// Reads the maps among the attributes of a `nic`.
private struct NICFields {
    private let attributes: [String: JSON]

    init(_ attributes: [String: JSON]) { self.attributes = attributes }

    private func members(
        _ name: String, _ known: [String]?
    ) throws(AttributeFault) -> [(key: String, value: JSON)] {
        guard let value = attributes[name], value != .null else { return [] }
        guard let members = value.object, !members.isEmpty else {
            throw AttributeFault(name, "\(name) is not a map of settings")
        }
        for key in members.keys.sorted() {
            if let known, !known.contains(key) {
                throw AttributeFault(
                    name, "\(name) has no \(ScalarText.shown(key))",
                    hint: "use one of \(known.joined(separator: ", "))")
            }
        }
        return members.sorted { $0.key < $1.key }
    }

    func integers(_ name: String, _ known: [String]) throws(AttributeFault) -> [String: Int] {
        var values: [String: Int] = [:]
        for (key, value) in try members(name, known) {
            guard let number = value.integer, number >= 0, number <= Int(UInt32.max) else {
                throw AttributeFault(name, "\(name).\(key) is not a number")
            }
            values[key] = number
        }
        return values
    }

    func booleans(_ name: String, _ known: [String]?) throws(AttributeFault) -> [String: Bool] {
        var values: [String: Bool] = [:]
        for (key, value) in try members(name, known) {
            guard let isOn = value.bool else {
                throw AttributeFault(name, "\(name).\(key) is neither true nor false")
            }
            values[key] = isOn
        }
        return values
    }

    func coalescing() throws(AttributeFault) -> [String: Int] {
        let name = "coalescing"
        var values: [String: Int] = [:]
        for (key, value) in try members(name, NICNames.coalescingFlags + NICNames.coalescing) {
            if NICNames.coalescingFlags.contains(key) {
                guard let isOn = value.bool else {
                    throw AttributeFault(name, "\(name).\(key) is neither true nor false")
                }
                values[key] = isOn ? 1 : 0
            } else {
                guard let number = value.integer, number >= 0, number <= Int(UInt32.max) else {
                    throw AttributeFault(name, "\(name).\(key) is not a number")
                }
                values[key] = number
            }
        }
        return values
    }

    func spread() throws(AttributeFault) -> NICDeclaration.Spread? {
        let fields = try members("rss", ["equal", "weight"])
        guard let field = fields.first else { return nil }
        let fault = AttributeFault(
            "rss", "rss is neither {equal: RINGS} nor {weight: [SHARE, …]}", hint: "{equal: 4}")
        if fields.count > 1 { throw fault }
        if field.key == "equal" {
            guard let count = field.value.integer, (1...4_096).contains(count) else { throw fault }
            return .equal(count)
        }
        let shares = (field.value.array ?? []).map(\.integer)
        guard !shares.isEmpty, shares.allSatisfy({ ($0 ?? -1) >= 0 }),
            shares.contains(where: { ($0 ?? 0) > 0 })
        else { throw fault }
        return .weights(shares.compactMap { $0 })
    }

    func key() throws(AttributeFault) -> [UInt8]? {
        guard let text = attributes["rss_key"]?.string else { return nil }
        let bytes = text.split(separator: ":", omittingEmptySubsequences: false).map {
            $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil
        }
        guard !bytes.contains(nil), bytes.count >= 8 else {
            throw AttributeFault(
                "rss_key", "rss_key is not a list of 8 or more hex bytes", hint: "6d:5a:56:da:…")
        }
        return bytes.compactMap { $0 }
    }

    func rules() throws(AttributeFault) -> [NICRule]? {
        guard let list = attributes["ntuple"]?.array else { return nil }
        var rules: [NICRule] = []
        for element in list {
            let rule = try NICRule(element)
            if rules.contains(rule) {
                throw AttributeFault("ntuple", "a rule is given twice: \(rule.text)")
            }
            rules.append(rule)
        }
        return rules
    }

    func receiveCPUs() throws(AttributeFault) -> CPUList? {
        guard let text = attributes["rps_cpus"]?.string else { return nil }
        if text == "none" { return CPUList([]) }
        do throws(ValueFault) {
            return try CPUList(parsing: text)
        } catch {
            throw AttributeFault("rps_cpus", error.message, hint: "write a CPU list, or none")
        }
    }

    func timestamps() throws(AttributeFault) -> (filter: String?, stampsSent: Bool?) {
        let name = "timestamps"
        var filter: String?
        var sent: Bool?
        for (key, value) in try members(name, ["rx", "tx"]) {
            if key == "tx" {
                guard let isOn = value.bool else {
                    throw AttributeFault(name, "\(name).tx is neither true nor false")
                }
                sent = isOn
            } else {
                guard let word = value.string, NICNames.receiveFilters.contains(word) else {
                    throw AttributeFault(
                        name, "\(name).rx is not a known filter",
                        hint: "use one of \(NICNames.receiveFilters.joined(separator: ", "))")
                }
                filter = word
            }
        }
        return (filter, sent)
    }
}
