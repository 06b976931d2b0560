import TestSupport
import Transport

extension SSHServer {
    /// A target that logs in to this server as root with its own key and known_hosts.
    func target(_ name: String = "md1") -> SSHTarget {
        SSHTarget(
            name: name, address: "127.0.0.1", port: port, user: "root",
            identityFiles: [clientKey], identitiesOnly: true, knownHostsFiles: [knownHosts],
            way: .libssh2)
    }
}
