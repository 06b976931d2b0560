import FleetModel
import Glibc
import Kinds
import Linux

/// One setting of one link, as it is and as it is to be.
struct NICSetting: Sendable, Equatable {
    enum Found: Sendable, Equatable {
        case value(String)
        /// The driver knows no such thing, and why.
        case unsupported(String)
        /// It stands as it is and cannot be turned.
        case fixed(String)
        /// More than the card has.
        case beyond(found: String, most: String)
    }

    /// `rings.rx`.
    let attribute: String
    let found: Found
    let wanted: String
    /// What changing it costs while the link is up.
    var disruption = Disruption.none

    /// What is there now, where anything is.
    var shown: String? {
        switch found {
        case .value(let text), .fixed(let text), .beyond(let text, _): text
        case .unsupported: nil
        }
    }

    var isMet: Bool { shown == wanted }

    var isToChange: Bool {
        if case .unsupported = found { return false }
        return !isMet
    }
}

/// A link whose driver is asked and told.
struct NICLink {
    let name: String
    let machine: any Machine
}

/// Settings that a driver has together: read and set as one.
protocol NICSection {
    /// What is declared of them, as the link has it.
    func settings(of link: NICLink) throws(SystemError) -> [NICSetting]

    /// Makes them as declared; gives what puts back what was there.
    func set(on link: NICLink) throws(SystemError) -> () -> Void
}

extension NICDeclaration {
    /// What is declared, in the order in which one thing does not undo another.
    ///
    /// New channels reset RSS and clear rules; a link that is down takes no coalescing.
    var sections: [any NICSection] {
        var all: [any NICSection] = []
        if let mtu { all.append(NICMTU(mtu: mtu)) }
        if !privateFlags.isEmpty { all.append(NICPrivateFlags(wanted: privateFlags)) }
        if !channels.isEmpty {
            all.append(NICTable("channels", .channels, channels, .linkFlap))
        }
        if !rings.isEmpty { all.append(NICTable("rings", .rings, rings, .linkFlap)) }
        if spread != nil || key != nil { all.append(NICHashing(spread: spread, key: key)) }
        if let rules { all.append(NICRules(wanted: rules)) }
        if !features.isEmpty { all.append(NICFeatures(wanted: features)) }
        if isUp == true { all.append(NICUpDown(isUp: true)) }
        if !coalescing.isEmpty {
            all.append(NICTable("coalescing", .coalescing, coalescing, .none))
        }
        if !pause.isEmpty { all.append(NICTable("pause", .pause, pause, .linkFlap)) }
        if let xps { all.append(NICQueues(attribute: "xps_cpus", prefix: "tx-", cpus: xps)) }
        if let rps { all.append(NICQueues(attribute: "rps_cpus", prefix: "rx-", cpus: rps)) }
        if receiveFilter != nil || stampsSent != nil {
            all.append(NICTimestamps(filter: receiveFilter, stampsSent: stampsSent))
        }
        if isUp == false { all.append(NICUpDown(isUp: false)) }
        return all
    }
}

/// Rings, channels, coalescing, pause: structures of numbers.
struct NICTable: NICSection {
    private let attribute: String
    private let table: LinkTable
    private let wanted: [(field: LinkTable.Field, value: Int)]
    private let disruption: Disruption

    init(_ attribute: String, _ table: LinkTable, _ wanted: [String: Int], _ cost: Disruption) {
        self.attribute = attribute
        self.table = table
        self.wanted = table.fields.compactMap { field in
            wanted[field.name].map { (field, $0) }
        }
        disruption = cost
    }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let values: LinkValues
        do {
            values = try link.machine.linkValues(link.name, table)
        } catch {
            guard error.isUnsupported else { throw error }
            return wanted.map { field, value in
                NICSetting(
                    attribute: "\(attribute).\(field.name)",
                    found: .unsupported("the driver has no \(attribute) to set"),
                    wanted: text(field, value))
            }
        }
        return wanted.map { field, value in
            let now = text(field, values.value(field))
            var found = NICSetting.Found.value(now)
            if let most = values.maximum(field), value > most {
                found =
                    most == 0
                    ? .unsupported("the card has none") : .beyond(found: now, most: String(most))
            }
            return NICSetting(
                attribute: "\(attribute).\(field.name)", found: found, wanted: text(field, value),
                disruption: disruption)
        }
    }

    func set(on link: NICLink) throws(SystemError) -> () -> Void {
        let old = try link.machine.linkValues(link.name, table)
        try link.machine.setLinkValues(link.name, table, wanted)
        return {
            try? link.machine.setLinkValues(
                link.name, table, wanted.map { ($0.field, old.value($0.field)) })
        }
    }

    private func text(_ field: LinkTable.Field, _ value: Int) -> String {
        field.isFlag ? (value == 0 ? "off" : "on") : String(value)
    }
}

/// The most that a packet may have.
struct NICMTU: NICSection {
    let mtu: Int

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let now = try text(link)
        return [
            NICSetting(
                attribute: "mtu", found: .value(now), wanted: String(mtu), disruption: .linkFlap)
        ]
    }

    private func path(_ link: NICLink) -> String { "/sys/class/net/\(link.name)/mtu" }

    private func text(_ link: NICLink) throws(SystemError) -> String {
        String(decoding: try link.machine.read(path(link), limit: 64), as: UTF8.self)
            .trimmingSpaces()
    }

    func set(on link: NICLink) throws(SystemError) -> () -> Void {
        let old = try text(link)
        try link.machine.writeInPlace(path(link), Array("\(mtu)\n".utf8))
        return { try? link.machine.writeInPlace(path(link), Array("\(old)\n".utf8)) }
    }
}

/// Whether the interface is up, by its flags in sysfs (IFF_UP, netdevice(7)).
struct NICUpDown: NICSection {
    let isUp: Bool

    static func flags(_ link: NICLink) throws(SystemError) -> UInt32 {
        let path = "/sys/class/net/\(link.name)/flags"
        let text = String(decoding: try link.machine.read(path, limit: 64), as: UTF8.self)
        return UInt32(text.trimmingSpaces().dropFirst(2), radix: 16) ?? 0
    }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let now = try Self.flags(link) & 1 != 0
        return [
            NICSetting(
                attribute: "link", found: .value(now ? "up" : "down"),
                wanted: isUp ? "up" : "down", disruption: .linkFlap)
        ]
    }

    func set(on link: NICLink) throws(SystemError) -> () -> Void {
        let old = try Self.flags(link)
        try write(isUp ? old | 1 : old & ~1, link)
        return { try? write(old, link) }
    }

    private func write(_ flags: UInt32, _ link: NICLink) throws(SystemError) {
        try link.machine.writeInPlace(
            "/sys/class/net/\(link.name)/flags", Array("0x\(String(flags, radix: 16))\n".utf8))
    }
}

/// CPUs of each transmit or receive queue (XPS, RPS; networking/scaling.rst).
struct NICQueues: NICSection {
    let attribute: String
    let prefix: String
    let cpus: CPUList

    private func files(_ link: NICLink) throws(SystemError) -> [String] {
        let folder = "/sys/class/net/\(link.name)/queues"
        return try link.machine.listIfPresent(folder).filter { $0.hasPrefix(prefix) }.map {
            "\(folder)/\($0)/\(attribute)"
        }
    }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        var texts: [String] = []
        let wanted = shown(cpus)
        do {
            for file in try files(link) {
                let mask = String(
                    decoding: try link.machine.read(file, limit: 4_096), as: UTF8.self)
                let list = (try? CPUList(parsingMask: mask.trimmingSpaces())).map(shown) ?? mask
                if !texts.contains(list) { texts.append(list) }
            }
        } catch {
            // A single transmit queue has nothing to choose.
            guard error.isNotFound || error.code == ENOENT else { throw error }
        }
        return [
            NICSetting(
                attribute: attribute,
                found: texts.isEmpty
                    ? .unsupported("it has no queues to choose between")
                    : .value(texts.joined(separator: "; ")), wanted: wanted)
        ]
    }

    private func shown(_ list: CPUList) -> String { list.isEmpty ? "none" : list.text }

    func set(on link: NICLink) throws(SystemError) -> () -> Void {
        var old: [(file: String, text: [UInt8])] = []
        for file in try files(link) {
            old.append((file, try link.machine.read(file, limit: 4_096)))
        }
        let undo = { [old] in
            for (file, text) in old { try? link.machine.writeInPlace(file, text) }
        }
        do throws(SystemError) {
            let mask = Array(((cpus.isEmpty ? "0" : cpus.mask) + "\n").utf8)
            for (file, _) in old { try link.machine.writeInPlace(file, mask) }
        } catch {
            undo()
            throw error
        }
        return undo
    }
}
