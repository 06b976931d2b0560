/// How to connect to one host: everything is resolved except its address.
package struct SSHTarget: Sendable, Hashable {
    /// The transport to a host.
    package enum Way: String, Sendable, CaseIterable {
        /// libssh2, or the system's ssh where libssh2 is not sufficient.
        case automatic
        case libssh2
        /// The system's ssh.
        case openssh
        /// No SSH: this machine (`ansible_connection: local`).
        case local
    }

    /// What to do about an unknown host key; all three refuse a changed or revoked key.
    package enum StrictHostKeyChecking: String, Sendable {
        /// Refuse.
        case yes
        /// Pin the key in the first known_hosts file, with a notice.
        case acceptNew = "accept-new"
        /// Continue without pinning the key, with a notice. Changed keys are refused here too.
        case no
    }

    /// The inventory name, for messages.
    package var name: String
    /// The host as given to `ssh`: a name or an address, before HostName of ssh_config is applied.
    package var host: String
    /// The name or address to connect to.
    package var address: String
    package var port: Int
    /// nil: the local user's name.
    package var user: String?
    /// Private key files in the order to try them, with `~` expanded; empty: the agent's keys and
    /// the default files in `~/.ssh`.
    package var identityFiles: [String]
    /// Whether only keys of the agent that are in `identityFiles` are offered.
    package var identitiesOnly: Bool
    /// The agent's socket for this host; nil: the client's; `none`: no agent.
    package var identityAgent: String?
    /// known_hosts files, the user's first; new keys go into the first.
    ///
    /// Empty: OpenSSH's defaults.
    package var knownHostsFiles: [String]
    package var strictHostKeyChecking: StrictHostKeyChecking
    /// The name for looking up the host key instead of the address.
    package var hostKeyAlias: String?
    /// The jump hosts, starting with the nearest; their own `jumps` are ignored.
    package var jumps: [SSHTarget]
    /// The time limit in seconds for each step up to an authenticated session.
    package var connectTimeoutSeconds: Double
    package var way: Way
    /// Settings that only the system's ssh can honour, with their place: `ProxyCommand (~/.ssh/config:3)`.
    package var needsOpenSSH: [String]
    /// Additional arguments for the system's ssh (`ansible_ssh_common_args`).
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
