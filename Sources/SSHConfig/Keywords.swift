/// How muster treats the keywords of ssh_config(5).
enum Keywords {
    enum Effect {
        /// muster honours the keyword.
        case ours
        /// Only the system's ssh can honour the keyword.
        case openSSHOnly
        /// The keyword does not affect running a command: forwarding, terminals, logging, an
        /// algorithm preference that libssh2 does not accept.
        case none
    }

    private static let ours: Set<String> = [
        "hostname", "user", "port", "identityfile", "identitiesonly", "proxyjump",
        "userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "connecttimeout",
        "hostkeyalias", "identityagent",
    ]

    private static let openSSHOnly: Set<String> = [
        "proxycommand", "controlpath", "certificatefile", "pkcs11provider", "securitykeyprovider",
        "knownhostscommand", "revokedhostkeys", "bindaddress", "bindinterface", "addressfamily",
        "canonicalizehostname", "hostbasedauthentication", "gssapiauthentication",
        "proxyusefdpass", "tunnel", "verifyhostkeydns",
    ]

    static func effect(of keyword: String) -> Effect {
        if ours.contains(keyword) { return .ours }
        return openSSHOnly.contains(keyword) ? .openSSHOnly : .none
    }

    /// Whether the line needs the system's ssh; false if the keyword is set to what muster does
    /// anyway.
    static func isInUse(_ line: ConfigLine) -> Bool {
        switch (line.keyword, line.arguments.first?.lowercased() ?? "") {
        case ("addressfamily", "any"): false
        // Set by default in Debian's ssh_config; without a ticket GSSAPI fails and keys are tried
        // next.
        case ("gssapiauthentication", _): false
        case (_, "none"), (_, "no"), (_, "false"): false
        default: true
        }
    }

    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "yes", "true": true
        case "no", "false": false
        default: nil
        }
    }

    static func hostKeyChecking(_ text: String) -> SSHSettings.HostKeyChecking? {
        switch text.lowercased() {
        case "true", "yes": .yes
        case "false", "no", "off": .no
        case "ask": .ask
        case "accept-new": .acceptNew
        default: nil
        }
    }

    /// A time in the format of sshd_config(5), TIME FORMATS, in seconds: `90`, `1m30s`.
    static func seconds(_ text: String) -> Int? {
        var total = 0
        var digits = ""
        for character in text {
            if character.isASCII, character.isNumber {
                digits.append(character)
                if digits.count > 9 { return nil }
                continue
            }
            guard let number = Int(digits) else { return nil }
            switch character.lowercased() {
            case "s": total += number
            case "m": total += number * 60
            case "h": total += number * 3600
            case "d": total += number * 86_400
            case "w": total += number * 604_800
            default: return nil
            }
            digits = ""
        }
        if let number = Int(digits) { total += number }
        return text.isEmpty ? nil : total
    }
}
