import FleetModel
import Kinds
import Linux
import Wire

/// Offloads of a driver, by ethtool's names or the kernel's.
struct NICFeatures: NICSection {
    let wanted: [String: Bool]

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let features = try link.machine.linkFeatures(link.name)
        return wanted.sorted { $0.key < $1.key }.map { name, isOn in
            let group = NICNames.features(name)
            let found = features.filter { group.contains($0.name) }
            return NICSetting(
                attribute: "features.\(name)", found: Self.found(found, isOn),
                wanted: isOn ? "on" : "off")
        }
    }

    private static func found(_ group: [LinkFeature], _ isOn: Bool) -> NICSetting.Found {
        if group.isEmpty { return .unsupported("the kernel knows no such feature") }
        let changeable = group.filter(\.isChangeable)
        // Where the driver can change no feature of the group, the group is fixed.
        guard !changeable.isEmpty else {
            let now = group.contains(where: \.isOn)
            return .fixed(now ? "on" : "off")
        }
        let off = changeable.filter { $0.isOn != isOn }
        if off.isEmpty { return .value(isOn ? "on" : "off") }
        let refused = off.contains { $0.isRequested == isOn }
        return .value(
            (isOn ? "off" : "on") + (refused ? " (requested \(isOn ? "on" : "off"))" : ""))
    }

    var part: any LinkPart { LinkFeaturesPart() }

    func scope(of link: NICLink) throws(SystemError) -> JSON {
        .object(try differing(link).mapValues { .bool($0) })
    }

    func set(on link: NICLink) throws(SystemError) {
        try link.machine.setLinkFeatures(link.name, try differing(link))
    }

    /// The changeable features that differ, by the kernel's names, with their declared values.
    private func differing(_ link: NICLink) throws(SystemError) -> [String: Bool] {
        let features = try link.machine.linkFeatures(link.name)
        var new: [String: Bool] = [:]
        for (name, isOn) in wanted {
            let group = NICNames.features(name)
            for feature in features
            where group.contains(feature.name) && feature.isChangeable && feature.isOn != isOn {
                new[feature.name] = isOn
            }
        }
        return new
    }
}

/// Flags that only this driver has.
struct NICPrivateFlags: NICSection {
    let wanted: [String: Bool]

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let flags = try link.machine.linkFlags(link.name)
        return wanted.sorted { $0.key < $1.key }.map { name, isOn in
            let now = flags.first { $0.name == name }
            let known = flags.map(\.name).joined(separator: ", ")
            return NICSetting(
                attribute: "private_flags.\(name)",
                found: now.map { .value($0.isOn ? "on" : "off") }
                    ?? .unsupported(
                        "the driver has \(flags.isEmpty ? "no flags of its own" : known)"),
                wanted: isOn ? "on" : "off", disruption: .linkFlap)
        }
    }

    var part: any LinkPart { LinkFlagsPart() }

    func scope(of link: NICLink) throws(SystemError) -> JSON {
        .object(wanted.mapValues { .bool($0) })
    }

    func set(on link: NICLink) throws(SystemError) {
        let known = try link.machine.linkFlags(link.name).map(\.name)
        try link.machine.setLinkFlags(link.name, wanted.filter { known.contains($0.key) })
    }
}

/// How RSS spreads received packets.
struct NICHashing: NICSection {
    let spread: NICDeclaration.Spread?
    let key: [UInt8]?

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        var all: [NICSetting] = []
        let now: LinkHashing
        do {
            now = try link.machine.linkHashing(link.name)
        } catch {
            guard error.isUnsupported else { throw error }
            let reason = NICSetting.Found.unsupported("the driver has no RSS")
            if let spread {
                all.append(NICSetting(attribute: "rss", found: reason, wanted: text(spread)))
            }
            if let key {
                all.append(NICSetting(attribute: "rss_key", found: reason, wanted: hex(key)))
            }
            return all
        }
        if let spread {
            let wanted = table(spread, now.table.count)
            let most = wanted.max() ?? 0
            let isSo = wanted == now.table
            all.append(
                NICSetting(
                    attribute: "rss",
                    found: most >= now.rings
                        ? .beyond(found: shown(now), most: "\(now.rings) rings")
                        : .value(isSo ? text(spread) : shown(now)), wanted: text(spread)))
        }
        if let key {
            all.append(
                NICSetting(
                    attribute: "rss_key",
                    found: key.count != now.key.count
                        ? .beyond(found: hex(now.key), most: "\(now.key.count) bytes")
                        : .value(hex(now.key)), wanted: hex(key)))
        }
        return all
    }

    var part: any LinkPart { LinkHashingPart() }

    func set(on link: NICLink) throws(SystemError) {
        let size = try link.machine.linkHashing(link.name).table.count
        try link.machine.setLinkHashing(
            link.name, table: spread.map { table($0, size) }, key: key)
    }

    /// The indirection table that ethtool(8) builds from the same words.
    func table(_ spread: NICDeclaration.Spread, _ size: Int) -> [Int] {
        switch spread {
        case .equal(let count): return (0..<size).map { $0 % count }
        case .weights(let weights):
            let sum = weights.reduce(0, +)
            var table: [Int] = []
            var ring = 0
            var partial = weights.first ?? 0
            for place in 0..<size {
                while place >= size * partial / max(1, sum), ring + 1 < weights.count {
                    ring += 1
                    partial += weights[ring]
                }
                table.append(ring)
            }
            return table
        }
    }

    private func text(_ spread: NICDeclaration.Spread) -> String {
        switch spread {
        case .equal(let count): "equal \(count)"
        case .weights(let weights): "weight " + weights.map(String.init).joined(separator: " ")
        }
    }

    /// `equal 8` where that is the table; else the number of table entries of each ring.
    private func shown(_ hashing: LinkHashing) -> String {
        let most = (hashing.table.max() ?? 0) + 1
        if hashing.table == table(.equal(most), hashing.table.count) { return "equal \(most)" }
        let shares = (0..<most).map { ring in String(hashing.table.count { $0 == ring }) }
        return "shares \(shares.joined(separator: " "))"
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

/// The ntuple rules that direct flows to rings.
struct NICRules: NICSection {
    let wanted: [NICRule]

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        let now: LinkRules
        do {
            now = try link.machine.linkRules(link.name)
        } catch {
            guard error.isUnsupported else { throw error }
            return [
                NICSetting(
                    attribute: "ntuple",
                    found: wanted.isEmpty
                        ? .fixed("none") : .unsupported("the driver takes no rules"),
                    wanted: text(wanted))
            ]
        }
        if wanted.count > now.capacity {
            return [
                NICSetting(
                    attribute: "ntuple",
                    found: .beyond(found: shown(now), most: "\(now.capacity) rules"),
                    wanted: text(wanted))
            ]
        }
        // All declared rules match exact values, so their order does not matter.
        let isSo =
            !now.rules.contains { $0.rule == nil }
            && Set(now.rules.compactMap { $0.rule.map(NICRule.init) }) == Set(wanted)
            && now.rules.count == wanted.count
        return [
            NICSetting(
                attribute: "ntuple", found: .value(isSo ? text(wanted) : shown(now)),
                wanted: text(wanted))
        ]
    }

    var part: any LinkPart { LinkRulesPart() }

    func set(on link: NICLink) throws(SystemError) {
        var missing = wanted
        var others: [UInt32] = []
        for (location, rule) in try link.machine.linkRules(link.name).rules {
            if let rule, let index = missing.firstIndex(of: NICRule(rule)) {
                missing.remove(at: index)
            } else {
                others.append(location)
            }
        }
        // Undeclared rules are removed first, because a card has few places for rules.
        for location in others { try link.machine.removeLinkRule(link.name, at: location) }
        for rule in missing { try link.machine.addLinkRule(link.name, LinkRule(rule)) }
    }

    private func text(_ rules: [NICRule]) -> String {
        rules.isEmpty ? "none" : rules.map(\.text).sorted().joined(separator: "; ")
    }

    private func shown(_ rules: LinkRules) -> String {
        let others = rules.rules.count { $0.rule == nil }
        var parts = rules.rules.compactMap { $0.rule.map { NICRule($0).text } }.sorted()
        if others > 0 { parts.append("\(others) of other kinds") }
        return parts.isEmpty ? "none" : parts.joined(separator: "; ")
    }
}

extension NICRule {
    init(_ rule: LinkRule) {
        self.init(
            isUDP: rule.isUDP, source: rule.source, destination: rule.destination,
            sourcePort: rule.sourcePort, destinationPort: rule.destinationPort, vlan: rule.vlan,
            ring: rule.ring)
    }
}

extension LinkRule {
    init(_ rule: NICRule) {
        self.init(
            isUDP: rule.isUDP, source: rule.source, destination: rule.destination,
            sourcePort: rule.sourcePort, destinationPort: rule.destinationPort, vlan: rule.vlan,
            ring: rule.ring)
    }
}

/// Which packets the card timestamps in hardware.
struct NICTimestamps: NICSection {
    let filter: String?
    let stampsSent: Bool?

    func settings(of link: NICLink) throws(SystemError) -> [NICSetting] {
        var now: LinkTimestamps?
        do {
            now = try link.machine.linkTimestamps(link.name)
        } catch {
            // A driver without hardware timestamps does not support the query either.
            guard error.isUnsupported else { throw error }
        }
        func found(_ text: String?, _ wanted: String) -> NICSetting.Found {
            text.map { .value($0) }
                ?? (["none", "off"].contains(wanted)
                    ? .fixed(wanted) : .unsupported("the driver reports no timestamp setting"))
        }
        var all: [NICSetting] = []
        if let filter {
            let text = now.map { name($0.receive, LinkTimestamps.filters) }
            all.append(
                NICSetting(attribute: "timestamps.rx", found: found(text, filter), wanted: filter))
        }
        if let stampsSent {
            let wanted = stampsSent ? "on" : "off"
            let text = now.map { name($0.transmit, LinkTimestamps.transmits) }
            all.append(
                NICSetting(attribute: "timestamps.tx", found: found(text, wanted), wanted: wanted))
        }
        return all
    }

    private func name(_ number: Int, _ names: [String]) -> String {
        names.indices.contains(number) ? names[number] : String(number)
    }

    var part: any LinkPart { LinkTimestampsPart() }

    func set(on link: NICLink) throws(SystemError) {
        var new = try link.machine.linkTimestamps(link.name)
        if let filter, let number = LinkTimestamps.filters.firstIndex(of: filter) {
            new.receive = number
        }
        if let stampsSent { new.transmit = stampsSent ? 1 : 0 }
        try link.machine.setLinkTimestamps(link.name, new)
    }
}
