import Glibc

/// How many connections the limit on open files allows.
struct DescriptorLimit: Sendable, Equatable {
    /// Descriptors for everything else: the store, the inventory, the loop, the agent's clients.
    static let reserve = 64
    /// The most descriptors that one connection needs: three pipes and a process of the system's
    /// ssh.
    static let perConnection = 4

    let descriptors: Int

    /// The limit after raising it as far as the system allows (RLIMIT_NOFILE).
    static func raised() -> DescriptorLimit {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0 else { return DescriptorLimit(descriptors: 1024) }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, 1 << 20)
            if setrlimit(kind, &raised) == 0 { limit = raised }
        }
        return DescriptorLimit(descriptors: Int(clamping: limit.rlim_cur))
    }

    /// The number of connections at once.
    var width: Int { max(1, (descriptors - Self.reserve) / Self.perConnection) }

    /// The notice for a user who asked for more.
    func notice(wanted: Int) -> String? {
        guard wanted > width else { return nil }
        return
            "\(width) connections at once instead of \(wanted): the limit is \(descriptors) open "
            + "files (raise it with ulimit -n)"
    }
}
