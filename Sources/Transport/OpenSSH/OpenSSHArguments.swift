/// The command line of the system's ssh for a target.
enum OpenSSHArguments {
    static let program = "/usr/bin/ssh"

    /// All arguments up to and including the host; the command follows.
    static func arguments(for target: SSHTarget, marker: String) -> [String] {
        var arguments = [
            "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15",
            "-o", "ServerAliveCountMax=3", "-o", "PermitLocalCommand=yes",
            "-o", "LocalCommand=echo \(marker) >&2",
        ]
        arguments += settings(of: target)
        let usesProxyCommand = target.needsOpenSSH.contains { $0.hasPrefix("ProxyCommand") }
        if !target.jumps.isEmpty, !usesProxyCommand {
            arguments += ["-o", "ProxyCommand=\(proxyCommand(for: target))"]
        }
        return arguments + target.extraArguments + ["--", target.host]
    }

    private static func settings(of target: SSHTarget) -> [String] {
        let seconds = max(1, Int(target.connectTimeoutSeconds.rounded(.up)))
        var arguments = ["-o", "ConnectTimeout=\(seconds)", "-p", "\(target.port)"]
        if target.address != target.host { arguments += ["-o", "HostName=\(target.address)"] }
        if let user = target.user { arguments += ["-l", user] }
        for file in target.identityFiles { arguments += ["-i", file] }
        if target.identitiesOnly { arguments += ["-o", "IdentitiesOnly=yes"] }
        if let agent = target.identityAgent { arguments += ["-o", "IdentityAgent=\(agent)"] }
        if let alias = target.hostKeyAlias { arguments += ["-o", "HostKeyAlias=\(alias)"] }
        if !target.knownHostsFiles.isEmpty {
            let files = target.knownHostsFiles.map { $0.contains(" ") ? "\"\($0)\"" : $0 }
            arguments += [
                "-o", "UserKnownHostsFile=\(files.joined(separator: " "))",
                "-o", "GlobalKnownHostsFile=none",
            ]
        }
        // `no` would accept a changed key.
        let checking = target.strictHostKeyChecking == .yes ? "yes" : "accept-new"
        return arguments + ["-o", "StrictHostKeyChecking=\(checking)"]
    }

    /// The ProxyCommand through the jump hosts, each with its own settings, which `-J` would not
    /// pass on.
    private static func proxyCommand(for target: SSHTarget) -> String {
        guard var hop = target.jumps.last else { return "none" }
        hop.jumps = Array(target.jumps.dropLast())
        var words = [program, "-T", "-o", "BatchMode=yes"] + settings(of: hop)
        if !hop.jumps.isEmpty { words += ["-o", "ProxyCommand=\(proxyCommand(for: hop))"] }
        let address = target.address.contains(":") ? "[\(target.address)]" : target.address
        words += ["-W", "\(address):\(target.port)", "--", hop.host]
        // ssh expands % in the line, then a shell splits the line.
        return words.map { word in
            word == "%h" || word == "%p" ? word : quote(word.replacing("%", with: "%%"))
        }.joined(separator: " ")
    }

    /// Quotes a word for a POSIX shell.
    static func quote(_ word: String) -> String {
        "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

extension String {
    /// The text with each occurrence of a character replaced.
    fileprivate func replacing(_ character: Character, with text: String) -> String {
        var result = ""
        for each in self { if each == character { result += text } else { result.append(each) } }
        return result
    }
}
