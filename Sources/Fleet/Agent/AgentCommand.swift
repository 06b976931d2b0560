import Wire

/// The command lines muster runs on hosts.
///
/// These are all of them; everything else is sent as frames.
enum AgentCommand {
    /// What the script prints if there is no agent yet, followed by the machine's architecture.
    static let missingMark = "MUSTER-NO-AGENT"
    /// What the script prints if the bytes on the host, or those that arrived, are not the agent.
    static let damagedMark = "MUSTER-DAMAGED"

    /// Runs the agent: plain words that every login shell accepts, without an additional shell.
    static func serve(digest: Digest, agentDirectory: String, become: Become?) -> String {
        let program = "\(agentDirectory)/bin/\(digest)"
        return prefix(become) + "\(quote(program)) serve --state-dir \(quote(agentDirectory))"
    }

    /// Runs the agent, or prints that it is missing and the machine's architecture, or that it is
    /// damaged: a power cut may leave a file of that name without its content.
    ///
    /// `/bin/sh` reads the script, whatever the login shell is. Used if ``serve`` gave no agent.
    static func serveOrExplain(digest: Digest, agentDirectory: String, become: Become?) -> String {
        let program = "\(agentDirectory)/bin/\(digest)"
        let script = """
            if [ -x \(quote(program)) ]; then sum=$(sha256sum \(quote(program))); \
            if [ "${sum%% *}" != \(digest) ]; then echo \(damagedMark); exit 3; fi; \
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
            chmod 0700 "$new"; sync "$new" 2>/dev/null || :; mv -f "$new" \(digest)
            """
        return line(script, become)
    }

    private static func line(_ script: String, _ become: Become?) -> String {
        prefix(become) + "/bin/sh -c \(quote(script))"
    }

    private static func prefix(_ become: Become?) -> String {
        guard let become else { return "" }
        let user = become.user == "root" ? "" : "-u \(quote(become.user)) "
        return "sudo -n \(user)-- "
    }

    /// Quotes a text as one word for a POSIX shell.
    static func quote(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                || [45, 46, 47, 95, 58, 61].contains($0)
        }
        if plain, !text.isEmpty { return text }
        return "'"
            + text.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }
}

/// Becoming another user on the host, by `sudo -n`.
package struct Become: Sendable, Hashable {
    package var user: String

    package init(user: String = "root") { self.user = user }
}
