import Linux
import Wire

/// The ntuple rules that direct flows to rings.
///
/// Rules of a kind that muster cannot describe are only counted: they cannot be put back.
struct LinkRulesPart: LinkPart {
    var name: String { "ntuple" }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let there = try link.machine.linkRules(link.name).rules
        let known = there.compactMap { $0.rule.map(json) }
        return [
            "rules": .array(known.sorted { $0.canonicalText < $1.canonicalText }),
            "others": .integer(there.count - known.count),
        ]
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        var missing = (saved["rules"]?.array ?? []).compactMap(rule)
        for (location, rule) in try link.machine.linkRules(link.name).rules {
            guard let rule else { continue }
            if let index = missing.firstIndex(of: rule) {
                missing.remove(at: index)
            } else {
                try link.machine.removeLinkRule(link.name, at: location)
            }
        }
        for rule in missing { try link.machine.addLinkRule(link.name, rule) }
    }

    private func json(_ rule: LinkRule) -> JSON {
        func numbers(_ bytes: [UInt8]?) -> JSON? {
            bytes.map { .array($0.map { .integer(Int($0)) }) }
        }
        func number(_ value: Int?) -> JSON? { value.map { .integer($0) } }
        return .compact([
            "udp": .bool(rule.isUDP), "source": numbers(rule.source),
            "destination": numbers(rule.destination), "source_port": number(rule.sourcePort),
            "destination_port": number(rule.destinationPort), "vlan": number(rule.vlan),
            "ring": number(rule.ring),
        ])
    }

    private func rule(_ json: JSON) -> LinkRule? {
        guard let isUDP = json["udp"]?.bool else { return nil }
        func bytes(_ member: String) -> [UInt8]? {
            json[member]?.array?.compactMap(\.integer).map { UInt8(clamping: $0) }
        }
        return LinkRule(
            isUDP: isUDP, source: bytes("source"), destination: bytes("destination"),
            sourcePort: json["source_port"]?.integer,
            destinationPort: json["destination_port"]?.integer, vlan: json["vlan"]?.integer,
            ring: json["ring"]?.integer)
    }
}
