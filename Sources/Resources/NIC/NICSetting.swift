import FleetModel
import Glibc
import Kinds
import Linux
import Wire

/// One setting of one link: the value found and the value wanted.
struct NICSetting: Sendable, Equatable {
    enum Found: Sendable, Equatable {
        case value(String)
        /// The driver does not have this setting; the text says why.
        case unsupported(String)
        /// The driver or the hardware fixes the setting at this value.
        case fixed(String)
        /// The wanted value is more than the card allows.
        case beyond(found: String, most: String)
    }

    /// `rings.rx`.
    let attribute: String
    let found: Found
    let wanted: String
    /// What changing it costs while the link is up.
    var disruption = Disruption.none

    /// The current value; nil where the driver does not have the setting.
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

/// A link whose driver is read and set.
struct NICLink {
    let name: String
    let machine: any Machine
}

/// Settings that a driver reads and sets together.
protocol NICSection {
    /// The declared settings, with the values found on the link.
    func settings(of link: NICLink) throws(SystemError) -> [NICSetting]

    /// The part of the link that these settings belong to.
    var part: any LinkPart { get }

    /// The names of the settings in the part that may be set; the JSON values have no meaning.
    func scope(of link: NICLink) throws(SystemError) -> JSON

    /// Sets the declared values.
    func set(on link: NICLink) throws(SystemError)
}

extension NICSection {
    func scope(of link: NICLink) throws(SystemError) -> JSON { [:] }
}

extension NICDeclaration {
    /// The declared sections, in an order in which a later one does not undo an earlier one.
    ///
    /// New channels reset RSS and clear rules; a link that is down accepts no coalescing settings.
    var sections: [any NICSection] {
        var all: [any NICSection] = []
        if let mtu { all.append(NICMTU(mtu: mtu)) }
        if !privateFlags.isEmpty { all.append(NICPrivateFlags(wanted: privateFlags)) }
        if !channels.isEmpty {
            all.append(NICTable(.channels, channels, .linkFlap))
        }
        if !rings.isEmpty { all.append(NICTable(.rings, rings, .linkFlap)) }
        if spread != nil || key != nil { all.append(NICHashing(spread: spread, key: key)) }
        if let rules { all.append(NICRules(wanted: rules)) }
        if !features.isEmpty { all.append(NICFeatures(wanted: features)) }
        if isUp == true { all.append(NICUpDown(isUp: true)) }
        if !coalescing.isEmpty {
            all.append(NICTable(.coalescing, coalescing, .none))
        }
        if !pause.isEmpty { all.append(NICTable(.pause, pause, .linkFlap)) }
        if let xps { all.append(NICQueues(queues: .xps, cpus: xps)) }
        if let rps { all.append(NICQueues(queues: .rps, cpus: rps)) }
        if receiveFilter != nil || stampsSent != nil {
            all.append(NICTimestamps(filter: receiveFilter, stampsSent: stampsSent))
        }
        if isUp == false { all.append(NICUpDown(isUp: false)) }
        return all
    }
}

/// Rings, channels, coalescing and pause: ethtool settings that are sets of numbers.
struct NICTable: NICSection {
    private let of: LinkTablePart
    private let wanted: [(field: LinkTable.Field, value: Int)]
    private let disruption: Disruption

    init(_ part: LinkTablePart, _ wanted: [String: Int], _ cost: Disruption) {
        of = part
        self.wanted = part.table.fields.compactMap { field in
            wanted[field.name].map { (field, $0) }
        }
        disruption = cost
    }

    var part: any LinkPart { of }

    func scope(of link: NICLink) throws(SystemError) -> JSON {
        .object(Dictionary(wanted.map { ($0.field.name, true) }, uniquingKeysWith: { $1 }))
    }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let values: LinkValues
        do {
            values = try link.machine.linkValues(link.name, of.table)
        } catch {
            guard error.isUnsupported else { throw error }
            return wanted.map { field, value in
                NICSetting(
                    attribute: "\(of.name).\(field.name)",
                    found: .unsupported("the driver has no \(of.name) to set"),
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
                attribute: "\(of.name).\(field.name)", found: found, wanted: text(field, value),
                disruption: disruption)
        }
    }

    func set(on link: NICLink) throws(SystemError) {
        try link.machine.setLinkValues(link.name, of.table, wanted)
    }

    private func text(_ field: LinkTable.Field, _ value: Int) -> String {
        field.isFlag ? (value == 0 ? "off" : "on") : String(value)
    }
}

/// The MTU of the link.
struct NICMTU: NICSection {
    let mtu: Int

    var part: any LinkPart { LinkMTUPart() }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        [
            NICSetting(
                attribute: "mtu", found: .value(try link.text("mtu")), wanted: String(mtu),
                disruption: .linkFlap)
        ]
    }

    func set(on link: NICLink) throws(SystemError) {
        try LinkMTUPart().put(.string(String(mtu)), on: link)
    }
}

/// Whether the interface is up.
struct NICUpDown: NICSection {
    let isUp: Bool

    var part: any LinkPart { LinkUpPart() }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let now = try LinkUpPart.flags(link) & 1 != 0
        return [
            NICSetting(
                attribute: "link", found: .value(now ? "up" : "down"),
                wanted: isUp ? "up" : "down", disruption: .linkFlap)
        ]
    }

    func set(on link: NICLink) throws(SystemError) {
        try LinkUpPart().put(.bool(isUp), on: link)
    }
}

/// CPUs of each transmit or receive queue, the same for all.
struct NICQueues: NICSection {
    let queues: LinkQueuesPart
    let cpus: CPUList

    var part: any LinkPart { queues }

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        var texts: [String] = []
        for (_, mask) in try queues.masks(of: link) {
            let list = (try? CPUList(parsingMask: mask)).map(shown) ?? mask
            if !texts.contains(list) { texts.append(list) }
        }
        return [
            NICSetting(
                attribute: queues.name,
                found: texts.isEmpty
                    ? .unsupported("the link has no queues to choose between")
                    : .value(texts.joined(separator: "; ")), wanted: shown(cpus))
        ]
    }

    private func shown(_ list: CPUList) -> String { list.isEmpty ? "none" : list.text }

    func set(on link: NICLink) throws(SystemError) {
        let mask = JSON.string(cpus.isEmpty ? "0" : cpus.mask)
        let all = try queues.masks(of: link).map { ($0.queue, mask) }
        try queues.put(.object(Dictionary(all, uniquingKeysWith: { $1 })), on: link)
    }
}
