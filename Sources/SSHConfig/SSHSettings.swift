/// The settings of ssh_config for one host that affect our connections.
///
/// nil and empty mean not set. Paths and names still contain their `~` and `%` tokens; `Tokens`
/// expands them.
package struct SSHSettings: Sendable, Equatable {
    /// A setting that only the system's ssh can honour.
    package struct ForOpenSSH: Sendable, Equatable, CustomStringConvertible {
        /// The keyword as written: `ProxyCommand`.
        package let option: String
        package let place: String

        package init(option: String, place: String) {
            self.option = option
            self.place = place
        }

        package var description: String { "\(option) (\(place))" }
    }

    package enum HostKeyChecking: String, Sendable {
        case yes, no, ask
        case acceptNew = "accept-new"
    }

    /// HostName, `%h` expanded.
    package var hostName: String?
    package var user: String?
    package var port: Int?
    package var identityFiles: [String] = []
    package var identitiesOnly: Bool?
    /// The jump hosts, starting with the nearest; empty for `none`; nil: not set.
    package var proxyJump: [JumpHop]?
    package var userKnownHostsFiles: [String]?
    package var globalKnownHostsFiles: [String]?
    package var hostKeyChecking: HostKeyChecking?
    package var connectTimeoutSeconds: Int?
    package var hostKeyAlias: String?
    /// The socket of the agent, or `none`; nil for `SSH_AUTH_SOCK`, the default.
    package var identityAgent: String?
    package var forOpenSSH: [ForOpenSSH] = []

    package init() {}
}

/// One host of a ProxyJump list.
package struct JumpHop: Sendable, Hashable {
    package var user: String?
    package var host: String
    package var port: Int?

    package init(user: String? = nil, host: String, port: Int? = nil) {
        self.user = user
        self.host = host
        self.port = port
    }

    /// Reads `[user@]host[:port]` or `ssh://[user@]host[:port]`; nil for any other form.
    package init?(_ text: some StringProtocol) {
        var rest = Substring(text)
        let isURI = rest.lowercased().hasPrefix("ssh://")
        if isURI {
            rest = rest.dropFirst(6)
            if rest.hasSuffix("/") { rest = rest.dropLast() }
        }
        var user: String?
        if let at = rest.lastIndex(of: "@") {
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        var port: Int?
        var host = rest
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = Self.port(rest.dropFirst()) else {
                    return nil
                }
                port = number
            }
        } else if let colon = rest.lastIndex(of: ":") {
            // More than one colon without brackets means an IPv6 address, as in OpenSSH.
            if rest.firstIndex(of: ":") == colon {
                host = rest[..<colon]
                guard let number = Self.port(rest[rest.index(after: colon)...]) else { return nil }
                port = number
            }
        }
        if host.isEmpty || user?.isEmpty == true { return nil }
        self.init(user: user, host: String(host), port: port)
    }

    /// Reads a ProxyJump value: a list, or `none` for no hop; nil if a hop is malformed.
    package static func list(_ text: String) -> [JumpHop]? {
        if text.lowercased() == "none" { return [] }
        var hops: [JumpHop] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let hop = JumpHop(part) else { return nil }
            hops.append(hop)
        }
        return hops
    }

    static func port(_ text: some StringProtocol) -> Int? {
        guard let number = Int(text), (1...65535).contains(number) else { return nil }
        return number
    }
}
