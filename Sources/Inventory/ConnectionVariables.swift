import Diagnostics

/// How to connect to a host, according to the inventory.
package struct ConnectionVariables: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case ssh
        /// This machine itself, without a connection.
        case local
    }

    package var kind = Kind.ssh
    /// The name or address to connect to; the host's own name if nothing else is given.
    package var address: String
    package var port: Int?
    package var user: String?
    package var privateKeyFile: String?
    package var connectTimeoutSeconds: Int?
    /// Whether to become root through sudo; nil: only if the user is not root.
    package var become: Bool?
    /// The arguments from `ansible_ssh_args`, `ansible_ssh_common_args` and
    /// `ansible_ssh_extra_args`.
    package var sshArguments = SSHArguments()
    /// Where each variable that was used is defined, by the variable's name.
    package var origins: [String: Place] = [:]

    package init(address: String) { self.address = address }
}

/// Which of Ansible's connection variables muster honours.
enum ConnectionNames {
    /// In each list the first variable that is given wins, as in Ansible; muster's own names come
    /// last.
    static let address = ["ansible_ssh_host", "ansible_host", "address"]
    static let port = ["ansible_ssh_port", "ansible_port", "port"]
    static let user = ["ansible_ssh_user", "ansible_user", "user"]
    static let privateKeyFile = ["ansible_ssh_private_key_file", "ansible_private_key_file"]
    static let timeout = ["ansible_ssh_timeout", "ansible_timeout"]
    static let connection = ["ansible_connection"]
    static let become = ["ansible_become"]
    static let becomeUser = ["ansible_become_user"]
    static let becomeMethod = ["ansible_become_method"]
    static let sshArguments = [
        "ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args",
    ]

    static let honoured = Set(
        address + port + user + privateKeyFile + timeout + connection + become + becomeUser
            + becomeMethod + sshArguments)

    /// Variables that only tell Ansible how to run Python or move files; muster does neither.
    private static let meaningless: Set = [
        "ansible_ssh_pipelining", "ansible_ssh_transfer_method", "ansible_ssh_executable",
        "ansible_ssh_retries", "ansible_ssh_use_tty", "ansible_ssh_control_path",
        "ansible_ssh_control_path_dir", "ansible_control_path", "ansible_control_path_dir",
        "ansible_ssh_verbosity", "ansible_ssh_reconnection_retries",
        "ansible_become_allow_same_user", "ansible_become_exe",
    ]

    private static let refusedExactly: [String: String] = [
        "ansible_password":
            "muster logs in with keys; set ansible_ssh_private_key_file or use an ssh agent",
        "ansible_ssh_pass":
            "muster logs in with keys; set ansible_ssh_private_key_file or use an ssh agent",
        "ansible_ssh_password":
            "muster logs in with keys; set ansible_ssh_private_key_file or use an ssh agent",
        "ansible_become_pass": "muster calls sudo -n; allow it without a password in sudoers",
        "ansible_become_password": "muster calls sudo -n; allow it without a password in sudoers",
        "ansible_sudo_pass": "muster calls sudo -n; allow it without a password in sudoers",
        "ansible_ssh_private_key": "put the key in a file and set ansible_ssh_private_key_file",
        "ansible_ssh_private_key_passphrase": "decrypt the key, or load it into an ssh agent",
        "ansible_private_key_passphrase": "decrypt the key, or load it into an ssh agent",
        "ansible_host_key_checking":
            "muster always checks host keys; pin them with muster ping --accept-new",
        "ansible_ssh_host_key_checking":
            "muster always checks host keys; pin them with muster ping --accept-new",
    ]

    private static let refusedPrefixes = [
        "ansible_ssh_", "ansible_become_", "ansible_sudo_", "ansible_su_", "ansible_paramiko_",
        "ansible_winrm_", "ansible_psrp_", "ansible_docker_", "ansible_podman_", "ansible_kubectl_",
        "ansible_network_cli_", "ansible_httpapi_", "ansible_netconf_", "ansible_jump_",
    ]

    /// What to use instead of a variable that muster cannot honour; nil for other variables.
    static func refusal(of name: String) -> String? {
        guard name.hasPrefix("ansible_"), !honoured.contains(name), !meaningless.contains(name)
        else {
            return nil
        }
        if let hint = refusedExactly[name] { return hint }
        guard refusedPrefixes.contains(where: name.hasPrefix) else { return nil }
        return "remove it for this host, or set the same in ~/.ssh/config"
    }
}
