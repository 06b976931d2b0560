import Kinds
import Linux
import Wire

/// Rings, channels, coalescing and pause: ethtool settings that are sets of numbers.
struct LinkTablePart: LinkPart {
    static let rings = LinkTablePart(name: "rings", table: .rings)
    static let channels = LinkTablePart(name: "channels", table: .channels)
    static let coalescing = LinkTablePart(name: "coalescing", table: .coalescing)
    static let pause = LinkTablePart(name: "pause", table: .pause)

    let name: String
    let table: LinkTable

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let values = try link.machine.linkValues(link.name, table)
        let named = table.fields.filter { saved[$0.name] != nil }
        return .object(
            Dictionary(
                named.map { ($0.name, .integer(values.value($0))) }, uniquingKeysWith: { $1 }))
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        let there = try now(saved, of: link)
        let wanted = table.fields.compactMap { field in
            saved[field.name] == there[field.name]
                ? nil : saved[field.name]?.integer.map { (field, $0) }
        }
        if !wanted.isEmpty { try link.machine.setLinkValues(link.name, table, wanted) }
    }
}

/// Offloads of a driver, by the kernel's names: whether each is on, and whether it is requested.
struct LinkFeaturesPart: LinkPart {
    var name: String { "features" }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let named = try link.machine.linkFeatures(link.name).filter { saved[$0.name] != nil }
        let all = named.map { feature in
            (
                feature.name,
                ["on": .bool(feature.isOn), "asked": .bool(feature.isRequested)] as JSON
            )
        }
        return .object(Dictionary(all, uniquingKeysWith: { $1 }))
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        let there = try now(saved, of: link)
        var wanted: [String: Bool] = [:]
        for (name, state) in saved.object ?? [:] where there[name] != state {
            wanted[name] = state["asked"]?.bool
        }
        if !wanted.isEmpty { try link.machine.setLinkFeatures(link.name, wanted) }
    }
}

/// Flags that only this driver has.
struct LinkFlagsPart: LinkPart {
    var name: String { "private_flags" }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let named = try link.machine.linkFlags(link.name).filter { saved[$0.name] != nil }
        return .object(
            Dictionary(named.map { ($0.name, .bool($0.isOn)) }, uniquingKeysWith: { $1 }))
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        let there = try now(saved, of: link)
        let wanted = (saved.object ?? [:]).filter { there[$0.key] != $0.value }
            .compactMapValues(\.bool)
        if !wanted.isEmpty { try link.machine.setLinkFlags(link.name, wanted) }
    }
}

/// How RSS spreads received packets: the indirection table and the hash key.
struct LinkHashingPart: LinkPart {
    var name: String { "rss" }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let hashing = try link.machine.linkHashing(link.name)
        return [
            "table": .array(hashing.table.map { .integer($0) }),
            "key": .array(hashing.key.map { .integer(Int($0)) }),
        ]
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        let there = try now(saved, of: link)
        func numbers(_ member: String) -> [Int]? {
            guard saved[member] != there[member], let all = saved[member]?.array else { return nil }
            return all.compactMap(\.integer)
        }
        let table = numbers("table")
        let key = numbers("key")?.map { UInt8(clamping: $0) }
        if table == nil, key == nil { return }
        try link.machine.setLinkHashing(link.name, table: table, key: key)
    }
}

/// Which packets the card timestamps in hardware, as the kernel's numbers.
struct LinkTimestampsPart: LinkPart {
    var name: String { "timestamps" }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let now = try link.machine.linkTimestamps(link.name)
        return ["transmit": .integer(now.transmit), "receive": .integer(now.receive)]
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        if try now(saved, of: link) == saved { return }
        try link.machine.setLinkTimestamps(
            link.name,
            LinkTimestamps(
                transmit: saved["transmit"]?.integer ?? 0, receive: saved["receive"]?.integer ?? 0))
    }
}
