import FleetModel
import Wire

/// A declared `sysctl`: a kernel parameter, now and after every boot.
package struct SysctlDeclaration: ResourceDeclaration {
    /// The file that holds the parameters declared here, one line each.
    package static let defaultFile = "/etc/sysctl.d/90-muster.conf"

    package static let schema = KindSchema(
        .sysctl, "A kernel parameter: its running value, and its value after the next boot.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string,
        nameSummary: "The key: net.core.rmem_max; if a part contains a dot, "
            + "net/ipv4/conf/eth0.100/rp_filter.",
        attributes: [
            AttributeSchema(
                "value", .string,
                "The value in the kernel's format; several numbers are separated by spaces."
                    + " Required "
                    + "unless state is absent."),
            AttributeSchema(
                "path", .path, default: .string(SysctlDeclaration.defaultFile),
                "The file in /etc/sysctl.d that contains the line."),
        ],
        notes: [
            "The persisted value is the one that systemd-sysctl would set from all its files in"
                + " order "
                + "(sysctl.d(5)), including patterns and exclusions. If a file that is read later "
                + "sets another value, the resource fails and names that file and line.",
            "Values are compared with white space collapsed, integers as numbers, lists of CPUs or "
                + "ports as sets. With state: absent, the line is removed from our file; the"
                + " running "
                + "value stays until the next boot, because its default is not known.",
            "A key that the host's kernel does not have is not applicable.",
        ],
        example: """
            - sysctl: vm.swappiness
              value: 10
            """)

    package let key: SysctlKey
    package let isPresent: Bool
    /// Nil only for state: absent.
    package let value: String?
    package let file: String

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        key = SysctlKey(name)
        try SysctlDeclaration.check(name, key)
        isPresent = try reader.state(of: SysctlDeclaration.schema) == "present"
        file = try reader.optionalString("path") ?? SysctlDeclaration.defaultFile
        guard file.hasPrefix("/etc/sysctl.d/"), file.hasSuffix(".conf"),
            file.split(separator: "/").count == 3, !file.hasPrefix("/etc/sysctl.d/.")
        else {
            throw AttributeFault(
                "path", "\(file) is not read at boot",
                hint: "name a file in /etc/sysctl.d that ends in .conf")
        }
        value = try reader.optionalString("value")
        guard isPresent else {
            try reader.refuse(["value"], because: "for an absent parameter")
            return
        }
        guard let value else { throw AttributeFault("value", "value is missing") }
        if value.contains(where: \.isNewline) || value.utf8.count > 4000 {
            throw AttributeFault("value", "value must be one line of at most 4,000 bytes")
        }
    }

    private static func check(_ name: String, _ key: SysctlKey) throws(AttributeFault) {
        let odd = name.contains { $0.isWhitespace || $0 == "=" || $0 == "#" || $0 == ";" }
        if odd || name.hasPrefix("-") || key.path.isEmpty || key.path.contains(text: "..")
            || !key.path.contains("/")
        {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is not a kernel parameter",
                hint: "write the key as sysctl(8) prints it: vm.swappiness")
        }
        if key.isGlob || name.contains("{") {
            throw AttributeFault(
                nil, "\(name) is a pattern",
                hint: "declare each key by itself; use for_each for many")
        }
        if actions.contains(key.path) || key.path.hasSuffix("/flush") {
            throw AttributeFault(
                nil, "\(name) is an action, not a setting", hint: "remove it: it keeps no value")
        }
        for old in ["base_reachable_time", "retrans_time"] where key.path.hasSuffix("/\(old)") {
            throw AttributeFault(
                nil, "\(name) is deprecated and rounds its value", hint: "declare \(name)_ms")
        }
    }

    /// Keys whose write triggers an action; reading some of them disturbs other CPUs.
    private static let actions: Set<String> = [
        "vm/stat_refresh", "vm/compact_memory", "vm/drop_caches",
    ]

    /// Pairs of keys: setting one makes the kernel set the other to zero.
    private static let exclusive: [String: String] = [
        "vm/dirty_ratio": "vm/dirty_bytes",
        "vm/dirty_background_ratio": "vm/dirty_background_bytes",
    ]

    package var owns: [Claim] {
        // The claim on the line prevents others from owning or purging the file.
        var claims: [Claim] = [.sysctl(key.dotted), .linePattern(path: file, key: key.dotted)]
        for (first, second) in SysctlDeclaration.exclusive where [first, second].contains(key.path)
        {
            let other = key.path == first ? second : first
            claims.append(.sysctl(SysctlKey(other).dotted))
        }
        return claims
    }

    package var needs: [Claim] { [.path("/etc/sysctl.d")] }
}
