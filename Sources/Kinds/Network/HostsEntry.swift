import FleetModel
import Wire

/// A declared `hosts_entry`: the names of an address in /etc/hosts.
package struct HostsEntryDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .hostsEntry, "The names of an address in /etc/hosts.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The address: 10.1.2.3 or fd00::3.",
        attributes: [
            AttributeSchema(
                "names", .list(.string),
                "Its names, the full name first: [ld4-md001.example.net, ld4-md001].")
        ],
        notes: [
            "The file gets one line for the address, with these names in this order. Further"
                + " lines for "
                + "the address are removed. The names are also removed from other addresses of"
                + " the same "
                + "family, because a lookup uses the first matching line. All other text stays "
                + "unchanged.",
            "A change takes effect at the next lookup, except in programs that cache the file. "
                + "Source: hosts(5).",
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
            throw AttributeFault(nil, error.message, hint: "use the address as name")
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
            throw AttributeFault("names", "a name is given twice")
        }
    }

    /// Throws if the text is not a valid host name (hostname(7)).
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
                attribute, "\"\(name)\" is not a host name",
                hint: "use labels of up to 63 letters, digits and -, separated by dots")
        }
    }

    package var owns: [Claim] {
        let family = address.isIPv4 ? "IPv4" : "IPv6"
        return [.linePattern(path: Self.path, key: address.address)]
            + names.map { .linePattern(path: Self.path, key: "\($0.lowercased()) of \(family)") }
    }
}
