import Wire

/// The command lines muster runs on hosts. All of them; everything else is frames.
enum AgentCommand {
    /// What the script answers where there is no agent yet, before the machine's name.
    static let missingMark = "MUSTER-NO-AGENT"
    /// What the upload answers where the bytes that arrived are not the agent.
    static let damagedMark = "MUSTER-DAMAGED"

    /// Runs the agent, or says that it is missing and what machine this is.
    ///
    /// `/bin/sh` reads the script, whatever the login shell is.
    static func serve(digest: Digest, agentDirectory: String, become: Become?) -> String {
        let program = "\(agentDirectory)/bin/\(digest)"
        let script = """
            if [ -x \(quote(program)) ]; then \
            exec \(quote(program)) serve --state-dir \(quote(agentDirectory)); fi; \
            echo \(missingMark); uname -m
            """
        return line(script, become)
    }

    /// Takes a gzip stream on standard input, checks it, and puts the agent in place.
    static func upload(digest: Digest, agentDirectory: String, become: Become?) -> String {
        let script = """
            set -e; umask 077; mkdir -p \(quote(agentDirectory + "/bin")); \
            cd \(quote(agentDirectory + "/bin")); new=.new-$$; trap 'rm -f "$new"' EXIT; \
            gzip -dc > "$new"; sum=$(sha256sum "$new"); \
            if [ "${sum%% *}" != \(digest) ]; then echo \(damagedMark) >&2; exit 3; fi; \
            chmod 0700 "$new"; mv -f "$new" \(digest)
            """
        return line(script, become)
    }

    private static func line(_ script: String, _ become: Become?) -> String {
        let shell = "/bin/sh -c \(quote(script))"
        guard let become else { return shell }
        let user = become.user == "root" ? "" : "-u \(quote(become.user)) "
        return "sudo -n \(user)-- \(shell)"
    }

    /// One word for a POSIX shell.
    static func quote(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                || [45, 46, 47, 95, 58, 61].contains($0)
        }
        if plain, !text.isEmpty { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }
}

/// Becoming another user on the host, by `sudo -n`.
package struct Become: Sendable, Hashable {
    package var user: String

    package init(user: String = "root") { self.user = user }
}
