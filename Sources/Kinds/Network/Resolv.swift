import FleetModel
import Wire

/// A declared `resolv`: which name servers a host asks.
package struct ResolvDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .resolv, "The name servers that a host asks, and what it adds to short names.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "system: there is one.",
        attributes: [
            AttributeSchema(
                "nameservers", .list(.string),
                "Their addresses, the first asked first; three at most."),
            AttributeSchema(
                "search", .list(.string), default: [], "Domains tried for short names."),
            AttributeSchema(
                "options", .list(.string), default: [],
                "Of resolv.conf(5): [timeout:1, attempts:2, rotate]. Not with systemd-resolved."),
        ],
        notes: [
            "/etc/resolv.conf is written whole where it is a file. Where it is systemd-resolved's link, "
                + "/etc/systemd/resolved.conf.d/90-muster.conf is, and the service restarted. Where "
                + "resolvconf or NetworkManager writes it, that is said and nothing done.",
            "What is compared is what the resolver reads: comments and blanks do not count, and of two "
                + "search lines the last does. Programs read the file when they start, or when they see "
                + "that it changed.",
            "state: absent takes away what is ours; a file that is not stays. Sources: resolv.conf(5), "
                + "resolved.conf(5).",
        ],
        example: """
            - resolv: system
              nameservers: [10.1.0.53, 10.2.0.53]
              search: [example.net]
              options: [timeout:1, attempts:2]
            """)

    package let isPresent: Bool
    package let nameservers: [IPPrefix]
    package let search: [String]
    package let options: [String]

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard name == "system" else {
            throw AttributeFault(nil, "there is one resolver, and it is called system")
        }
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        var servers: [IPPrefix] = []
        for text in try reader.optionalStrings("nameservers") ?? [] {
            do throws(ValueFault) {
                servers.append(try IPPrefix(text))
            } catch {
                throw AttributeFault("nameservers", error.message, hint: error.hint)
            }
            if text.utf8.contains(47) {
                throw AttributeFault("nameservers", "\(text) is a network, not an address")
            }
        }
        nameservers = servers
        search = try reader.optionalStrings("search") ?? []
        options = try reader.optionalStrings("options") ?? []
        if isPresent, servers.isEmpty {
            throw AttributeFault("nameservers", "resolv system has no nameservers")
        }
        if servers.count > 3 {
            throw AttributeFault(
                "nameservers",
                "\(servers.count) name servers are declared, and the resolver reads three")
        }
        if Set(servers).count != servers.count {
            throw AttributeFault("nameservers", "a name server is there twice")
        }
        for domain in search { try HostsEntryDeclaration.check(domain, "search") }
        for option in options
        where option.isEmpty || option.utf8.contains(where: { $0 <= 32 || $0 == 35 || $0 == 59 }) {
            throw AttributeFault("options", "\"\(option)\" is not an option of resolv.conf")
        }
    }

    package var owns: [Claim] {
        [.path("/etc/resolv.conf"), .path("/etc/systemd/resolved.conf.d/90-muster.conf")]
    }
}
