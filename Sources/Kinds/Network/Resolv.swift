import FleetModel
import Wire

/// A declared `resolv`: the name servers of a host.
package struct ResolvDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .resolv, "The name servers and search domains of a host.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "Always system: a machine has only one.",
        attributes: [
            AttributeSchema(
                "nameservers", .list(.string),
                "Their addresses in the order in which they are asked; at most three."),
            AttributeSchema(
                "search", .list(.string), default: [], "Domains tried for short names."),
            AttributeSchema(
                "options", .list(.string), default: [],
                "Options, see resolv.conf(5): [timeout:1, attempts:2, rotate]. Not with"
                    + " systemd-resolved."),
        ],
        notes: [
            "If /etc/resolv.conf is a regular file, it is written as a whole. If it is a link to "
                + "systemd-resolved's file, /etc/systemd/resolved.conf.d/90-muster.conf is"
                + " written and the "
                + "service restarted. If resolvconf or NetworkManager writes the file, this is a"
                + " fault and "
                + "nothing is changed.",
            "Only what the resolver reads is compared: comments and blanks do not count, and the"
                + " last of "
                + "several search lines counts. Programs read the file when they start, or when"
                + " they "
                + "notice that it has changed.",
            "state: absent removes only what muster has written; a file of others stays. Sources: "
                + "resolv.conf(5), resolved.conf(5).",
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
            throw AttributeFault(nil, "the only resolv resource is called system")
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
                "\(servers.count) name servers are declared, but the resolver reads only three")
        }
        if Set(servers).count != servers.count {
            throw AttributeFault("nameservers", "a name server is given twice")
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
