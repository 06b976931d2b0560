/// A rule by which a card steers the packets of one flow to one ring (ETHTOOL_SRXCLSRLINS).
package struct LinkRule: Sendable, Hashable {
    /// `ETHTOOL_RXNTUPLE_ACTION_DROP`: all ones.
    private static let dropped = UInt64.max

    /// The match; a field that is nil matches every value.
    package var isUDP: Bool
    package var source: [UInt8]?
    package var destination: [UInt8]?
    package var sourcePort: Int?
    package var destinationPort: Int?
    package var vlan: Int?
    /// The ring; nil drops the packet.
    package var ring: Int?

    package init(
        isUDP: Bool, source: [UInt8]? = nil, destination: [UInt8]? = nil, sourcePort: Int? = nil,
        destinationPort: Int? = nil, vlan: Int? = nil, ring: Int?
    ) {
        self.isUDP = isUDP
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.vlan = vlan
        self.ring = ring
    }

    // struct ethtool_rxnfc: the flow's specification from byte 16 on, 168 bytes.
    private enum Place {
        static let type = 16
        static let values = 20
        static let extraValues = 72
        static let masks = 92
        static let extraMasks = 144
        static let ring = 168
        static let location = 176
        static let size = 192
    }

    private static let tcp: UInt32 = 1
    private static let udp: UInt32 = 2
    private static let extended: UInt32 = 0x8000_0000

    /// Nil for a rule of a form that muster does not make.
    init?(_ message: LinkMessage) {
        let type: UInt32 = message[at: Place.type]
        switch type & ~Self.extended {
        case Self.tcp: isUDP = false
        case Self.udp: isUDP = true
        default: return nil
        }
        func field(_ offset: Int, _ size: Int) -> [UInt8]? {
            let mask = message.bytes[(Place.masks + offset)..<(Place.masks + offset + size)]
            guard mask.contains(where: { $0 != 0 }) else { return nil }
            return Array(message.bytes[(Place.values + offset)..<(Place.values + offset + size)])
        }
        func port(_ offset: Int) -> Int? { field(offset, 2).map { Int($0[0]) << 8 | Int($0[1]) } }
        source = field(0, 4)
        destination = field(4, 4)
        sourcePort = port(8)
        destinationPort = port(10)
        if type & Self.extended != 0 {
            let tag = message.bytes[(Place.extraValues + 10)..<(Place.extraValues + 12)]
            let mask = message.bytes[(Place.extraMasks + 10)..<(Place.extraMasks + 12)]
            if mask.contains(where: { $0 != 0 }) {
                vlan = (Int(tag[tag.startIndex]) << 8 | Int(tag[tag.startIndex + 1])) & 0xfff
            }
        }
        let action: UInt64 = message[at: Place.ring]
        ring = action == Self.dropped ? nil : Int(clamping: action)
    }

    func message(location: UInt32) -> LinkMessage {
        var message = LinkMessage(.insertRule, size: Place.size)
        var type = isUDP ? Self.udp : Self.tcp
        func put(_ bytes: [UInt8]?, at offset: Int) {
            for (index, byte) in (bytes ?? []).enumerated() {
                message[at: Place.values + offset + index] = byte
                message[at: Place.masks + offset + index] = UInt8.max
            }
        }
        func network(_ number: Int?) -> [UInt8]? {
            number.map { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        }
        put(source, at: 0)
        put(destination, at: 4)
        put(network(sourcePort), at: 8)
        put(network(destinationPort), at: 10)
        if let tag = network(vlan) {
            type |= Self.extended
            for index in 0..<2 {
                message[at: Place.extraValues + 10 + index] = tag[index]
                // The twelve bits of the VLAN id, without the priority.
                message[at: Place.extraMasks + 10 + index] = (index == 0 ? 0x0f : 0xff) as UInt8
            }
        }
        message[at: Place.type] = type
        message[at: Place.ring] = ring.map { UInt64($0) } ?? Self.dropped
        message[at: Place.location] = location
        return message
    }

    /// Asks the driver to choose the location (RX_CLS_LOC_ANY).
    static let anywhere = UInt32.max
    /// The bit of the answer that tells that the driver chooses locations (RX_CLS_LOC_SPECIAL).
    static let choosesPlaces: UInt64 = 0x8000_0000
    static let size = Place.size
}

/// The rules of a card: those of the form described here, and the number of other rules.
package struct LinkRules: Sendable, Equatable {
    package var rules: [(location: UInt32, rule: LinkRule?)]
    /// How many rules the card can hold, and whether the driver chooses locations itself.
    package var capacity: Int
    package var choosesPlaces: Bool

    package static func == (left: LinkRules, right: LinkRules) -> Bool {
        left.capacity == right.capacity && left.choosesPlaces == right.choosesPlaces
            && left.rules.elementsEqual(right.rules) { $0 == $1 }
    }
}

extension Machine {
    /// Reads the rules of a card (ETHTOOL_GRXCLSRLALL).
    ///
    /// Throws EOPNOTSUPP if the card takes none.
    package func linkRules(_ interface: String) throws(SystemError) -> LinkRules {
        let head = try ethtool(interface, LinkMessage(.ruleCount, size: LinkRule.size))
        let count: UInt32 = head[at: 184]
        let special: UInt64 = head[at: 8]
        var question = LinkMessage(.ruleList, size: LinkRule.size + 4 * Int(count))
        question[at: 184] = count
        let list = try ethtool(interface, question)
        let capacity: UInt64 = list[at: 8]
        var rules: [(location: UInt32, rule: LinkRule?)] = []
        for index in 0..<Int(min(count, list[at: 184])) {
            let location: UInt32 = list[at: 188 + 4 * index]
            var one = LinkMessage(.rule, size: LinkRule.size)
            one[at: 176] = location
            rules.append((location, LinkRule(try ethtool(interface, one))))
        }
        return LinkRules(
            rules: rules, capacity: Int(clamping: capacity & ~LinkRule.choosesPlaces),
            choosesPlaces: special & LinkRule.choosesPlaces != 0)
    }

    /// Adds a rule, at the location that the driver chooses or at the first free one.
    package func addLinkRule(_ interface: String, _ rule: LinkRule) throws(SystemError) {
        let there = try linkRules(interface)
        var location = LinkRule.anywhere
        if !there.choosesPlaces {
            let taken = Set(there.rules.map(\.location))
            location = (0..<UInt32(there.capacity)).first { !taken.contains($0) } ?? 0
        }
        _ = try ethtool(interface, rule.message(location: location))
    }

    package func removeLinkRule(_ interface: String, at location: UInt32) throws(SystemError) {
        var message = LinkMessage(.deleteRule, size: LinkRule.size)
        message[at: 176] = location
        _ = try ethtool(interface, message)
    }
}
