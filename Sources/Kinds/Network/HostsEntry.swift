import FleetModel
import Wire

/// A declared `hosts_entry`: the names of one address in /etc/hosts.
package struct HostsEntryDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .hostsEntry, "The names that /etc/hosts has for an address.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The address: 10.1.2.3 or fd00::3.",
        attributes: [
            AttributeSchema(
                "names", .list(.string),
                "Its names, the full one first: [ld4-md001.example.net, ld4-md001].")
        ],
        notes: [
            "One line of the address has these names in this order; further lines of it go, and so do "
                + "these names where another address of the same family has them: the first line counts "
                + "for whoever asks. All else in the file stays as it is.",
            "What runs asks anew each time, but for programs that read it once. Source: hosts(5).",
        ],
        example: """
            - hosts_entry: 10.1.2.3
              names: [ld4-md001.example.net, ld4-md001]
            """)

    package static let path = "/etc/hosts"

    package let address: IPPrefix
    package let isPresent: Bool
    package let names: [String]

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        do throws(ValueFault) {
            address = try IPPrefix(name)
        } catch {
            throw AttributeFault(nil, error.message, hint: "its names go into names")
        }
        if name.utf8.contains(47) {
            throw AttributeFault(nil, "\(name) is a network, not an address")
        }
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        names = try reader.optionalStrings("names") ?? []
        if isPresent, names.isEmpty {
            throw AttributeFault("names", "hosts_entry \(name) has no names")
        }
        for name in names {
            try Self.check(name, "names")
        }
        if Set(names.map { $0.lowercased() }).count != names.count {
            throw AttributeFault("names", "a name is there twice")
        }
    }

    /// Whether it is a name that hosts have (hostname(7)).
    static func check(_ name: String, _ attribute: String) throws(AttributeFault) {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            name.utf8.count < 254
            && labels.allSatisfy { label in
                !label.isEmpty && label.utf8.count < 64 && !label.hasPrefix("-")
                    && label.utf8.allSatisfy {
                        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                            || $0 == 45 || $0 == 95
                    }
            }
        guard isName else {
            throw AttributeFault(
                attribute, "\"\(name)\" is not the name of a host",
                hint: "letters, digits and - in labels of at most 63, with dots between")
        }
    }

    package var owns: [Claim] {
        let family = address.isIPv4 ? "IPv4" : "IPv6"
        return [.linePattern(path: Self.path, key: address.address)]
            + names.map { .linePattern(path: Self.path, key: "\($0.lowercased()) of \(family)") }
    }
}
