/// How to reach one host: everything resolved, nothing left to look up but its address.
package struct SSHTarget: Sendable, Hashable {
    /// Which way a host is reached.
    package enum Way: String, Sendable, CaseIterable {
        /// libssh2, and the system's ssh where libssh2 cannot.
        case automatic
        case libssh2
        /// The system's ssh.
        case openssh
        /// No SSH: this machine (`ansible_connection: local`).
        case local
    }

    /// What to do about a host key nobody knows; a changed or revoked one is refused by all three.
    package enum StrictHostKeyChecking: String, Sendable {
        /// Refuse.
        case yes
        /// Pin it in the first known_hosts file, and say so.
        case acceptNew = "accept-new"
        /// Go on without pinning it, and say so. Changed keys are refused here too.
        case no
    }

    /// The inventory name, for messages.
    package var name: String
    /// What `ssh` would be given: a name or an address before ssh_config's HostName.
    package var host: String
    /// What to connect to: a name or an address.
    package var address: String
    package var port: Int
    /// nil: the local user's name.
    package var user: String?
    /// Private key files, in the order to try them, `~` expanded; empty: the agent's keys and the
    /// usual files of `~/.ssh`.
    package var identityFiles: [String]
    /// Offer no key of the agent but those of `identityFiles`.
    package var identitiesOnly: Bool
    /// Where the agent for this host listens; nil: where the client's does; `none`: no agent.
    package var identityAgent: String?
    /// known_hosts files, the user's first; new keys go into the first.
    ///
    /// Empty: OpenSSH's own.
    package var knownHostsFiles: [String]
    package var strictHostKeyChecking: StrictHostKeyChecking
    /// The name to look the host key up by instead of the address.
    package var hostKeyAlias: String?
    /// The jump hosts on the way, nearest to us first; their own `jumps` are ignored.
    package var jumps: [SSHTarget]
    /// Seconds for everything up to an authenticated session, each step of it separately.
    package var connectTimeoutSeconds: Double
    package var way: Way
    /// Settings that only the system's ssh can honour, with their place: `ProxyCommand (~/.ssh/config:3)`.
    package var needsOpenSSH: [String]
    /// Further arguments for the system's ssh (`ansible_ssh_common_args`).
    package var extraArguments: [String]

    package init(
        name: String, host: String? = nil, address: String? = nil, port: Int = 22,
        user: String? = nil, identityFiles: [String] = [], identitiesOnly: Bool = false,
        identityAgent: String? = nil,
        knownHostsFiles: [String] = [], strictHostKeyChecking: StrictHostKeyChecking = .yes,
        hostKeyAlias: String? = nil,
        jumps: [SSHTarget] = [], connectTimeoutSeconds: Double = 10, way: Way = .automatic,
        needsOpenSSH: [String] = [], extraArguments: [String] = []
    ) {
        self.name = name
        self.host = host ?? name
        self.address = address ?? host ?? name
        self.port = port
        self.user = user
        self.identityFiles = identityFiles
        self.identitiesOnly = identitiesOnly
        self.identityAgent = identityAgent
        self.knownHostsFiles = knownHostsFiles
        self.strictHostKeyChecking = strictHostKeyChecking
        self.hostKeyAlias = hostKeyAlias
        self.jumps = jumps
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.way = way
        self.needsOpenSSH = needsOpenSSH
        self.extraArguments = extraArguments
    }

    /// `address:port`, IPv6 in brackets.
    package var endpoint: String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
