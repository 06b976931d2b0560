import Diagnostics
import Fleet
import Linux
import TestSupport
import Testing
import Transport

/// The README shows every key of settings.yaml, and each is taken.
struct SettingsTests {
    private func example() throws -> String {
        let readme = try LocalMachine().textIfPresent(Repository.root + "/README.md") ?? ""
        let start = try #require(readme.range(ofLine: "# Inventory/settings.yaml"))
        return String(readme[start...].prefix { $0 != "`" })
    }

    @Test func theExampleOfTheReadmeIsRead() throws {
        let settings = try Settings.read(SourceText(name: "settings.yaml", text: try example()))
        #expect(settings.user == "trader")
        #expect(settings.knownHosts == ["/etc/muster/known_hosts"])
        #expect(settings.agentPath == "build/agents")
        // All others are shown with the value they have without.
        var plain = Settings()
        plain.user = settings.user
        plain.sshConfig = "none"
        plain.knownHosts = settings.knownHosts
        plain.agentPath = settings.agentPath
        plain.strictHostKeyChecking = .yes
        plain.inventoryScriptSeconds = 60
        #expect(settings == plain)
    }

    @Test(arguments: [
        ("forks: 3\n", "settings.yaml has no key \"forks\""),
        ("limits: {deadlin: 3s}\n", "\"deadline\""),
        ("limits: {forks: 0}\n", "1"),
        ("ssh: [a]\n", "ssh is a map, not a list"),
        ("ssh: {transport: telnet}\n", "libssh2"),
        ("ssh: {strict_host_key_checking: maybe}\n", "accept-new"),
        ("limits: {inventory_script: soon}\n", "soon"),
    ])
    func aMistakeIsNamed(text: String, says: String) throws {
        let fault = #expect(throws: Faults.self) {
            _ = try Settings.read(SourceText(name: "settings.yaml", text: text))
        }
        let said = (fault?.all ?? []).map { "\($0.summary); \($0.hint ?? "")" }.joined()
        #expect(said.contains(says), "\(said)")
    }
}

extension String {
    /// Where a line begins that starts with a text.
    fileprivate func range(ofLine start: String) -> Index? {
        split(separator: "\n").first { $0.hasPrefix(start) }?.startIndex
    }
}
