import SSHConfig
import Testing

/// What `ssh -G` does not show: places, what only OpenSSH can do, files that include each other.
@Suite struct ConfigReaderTests {
    private func settings(
        _ files: [String: String], host: String = "md1", user: String? = nil
    ) throws -> SSHSettings {
        let source = ConfigSource(
            home: "/home/ops", read: { files[$0].map { Array($0.utf8) } },
            glob: { pattern in
                files.keys.filter { name in
                    pattern.hasSuffix("*")
                        ? name.hasPrefix(pattern.dropLast()) : name == pattern
                }.sorted()
            })
        let reader = ConfigReader(
            [
                try ConfigFile("/home/ops/.ssh/config", isUser: true, source: source),
                try ConfigFile("/etc/ssh/ssh_config", isUser: false, source: source),
            ], caller: .init(localUser: "ops"))
        return try reader.settings(for: host, user: user)
    }

    private func userSettings(_ text: String) throws -> SSHSettings {
        try settings(["/home/ops/.ssh/config": text])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: [String]
        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(text: "ProxyCommand nc %h %p", expected: ["ProxyCommand (~:1)"]),
        Case(text: "Host *\n  ControlPath ~/.ssh/%C", expected: ["ControlPath (~:2)"]),
        Case(text: "ControlPath none", expected: []),
        Case(text: "ControlMaster auto\nControlPersist 60", expected: []),
        Case(text: "CertificateFile ~/.ssh/id-cert.pub", expected: ["CertificateFile (~:1)"]),
        Case(text: "Host md2\n ProxyCommand x", expected: []),
        Case(text: "IdentityAgent ~/agent\nIdentityAgent $OTHER", expected: []),
        Case(text: "IdentityAgent $OTHER", expected: ["IdentityAgent $OTHER (~:1)"]),
        Case(text: "GSSAPIAuthentication yes\nSendEnv LANG LC_*\nHashKnownHosts yes", expected: []),
        Case(text: "AddressFamily any\nAddressFamily inet6", expected: []),
        Case(text: "AddressFamily inet6", expected: ["AddressFamily (~:1)"]),
        // What a program decides is undecided; it matters only where something of ours hangs on it.
        Case(
            text: "Match exec \"test -e /x\"\n User ops",
            expected: ["Match exec \"test -e /x\" (~:1)"]),
        Case(text: "Match exec true\n Ciphers aes128-ctr", expected: []),
        Case(text: "Match host md2 exec true\n User ops", expected: []),
        Case(
            text: "Match exec true host md1\n Port 1\n User a",
            expected: ["Match exec true host md1 (~:1)"]),
        // As on Red Hat's systems: crypto policies below a final pass.
        Case(text: "Match final all\n Ciphers aes128-ctr\n GSSAPIKexAlgorithms x", expected: []),
    ])
    func `what only OpenSSH can do is named with its place`(_ case: Case) throws {
        let found = try userSettings(`case`.text).forOpenSSH.map(\.description)
        let expected = `case`.expected.map { text -> String in
            guard let at = text.range(of: "~:") else { return text }
            return text[..<at.lowerBound] + "/home/ops/.ssh/config:" + text[at.upperBound...]
        }
        #expect(found == expected)
    }

    @Test func `the user's file wins over the system's`() throws {
        let settings = try settings([
            "/home/ops/.ssh/config": "Host md*\n User ops",
            "/etc/ssh/ssh_config": "User root\nPort 2",
        ])
        #expect(settings.user == "ops")
        #expect(settings.port == 2)
    }

    @Test func `relative includes lie beside their kind of file`() throws {
        let settings = try settings([
            "/home/ops/.ssh/config": "Include conf.d/*", "/home/ops/.ssh/conf.d/10": "User ops",
            "/etc/ssh/ssh_config": "Include ssh_config.d/*\nInclude ~/.ssh/more",
            "/etc/ssh/ssh_config.d/a": "Port 1", "/home/ops/.ssh/more": "HostName x",
        ])
        #expect(settings.user == "ops")
        #expect(settings.port == 1)
        #expect(settings.hostName == "x")
    }

    @Test func `a Match on the user sees one given by other means`() throws {
        let files = ["/home/ops/.ssh/config": "Match user root\n Port 7\nUser root"]
        #expect(try settings(files).port == nil)
        #expect(try settings(files, user: "root").port == 7)
    }

    @Test(arguments: [
        ("User", ":1: User needs a value"),
        ("\nPort 99999", ":2: Port 99999: a port from 1 to 65535 is needed"),
        ("User \"ops", ":1: a quote is not closed"),
        (
            "StrictHostKeyChecking maybe",
            ":1: StrictHostKeyChecking maybe: yes, no, ask or accept-new is needed"
        ),
        ("ProxyJump a b@:x", ":1: ProxyJump a: [user@]host[:port] is needed"),
        ("ConnectTimeout soon", ":1: ConnectTimeout soon: a time in seconds is needed"),
        ("HostName %x", ":1: HostName %x: only %h and %% are allowed"),
        ("Match host", ":1: Match host needs a value"),
        ("Include config", ":1: files include each other too deeply"),
    ])
    func `a fault has its place`(_ text: String, _ expected: String) {
        let error = #expect(throws: SSHConfigError.self) { try userSettings(text) }
        #expect(error?.description == "/home/ops/.ssh/config" + expected)
    }

    @Test(arguments: [
        ("gw", "gw"), ("ops@gw", "ops gw"), ("gw:2222", "gw 2222"), ("ops@gw:22", "ops gw 22"),
        ("[2001:db8::1]:22", "2001:db8::1 22"), ("2001:db8::1", "2001:db8::1"),
        ("ssh://ops@gw:33/", "ops gw 33"), ("a@b@gw", "a@b gw"), ("", "-"), ("@gw", "-"),
        ("gw:", "-"), ("gw:0", "-"), ("[::1", "-"), ("[::1]x", "-"),
    ])
    func `a jump host is taken apart`(_ text: String, _ expected: String) {
        let hop = JumpHop(text)
        let words = hop.map { [$0.user, $0.host, $0.port.map { "\($0)" }].compactMap { $0 } }
        #expect(words?.joined(separator: " ") ?? "-" == expected)
    }

    @Test func `tokens are expanded`() throws {
        let tokens = Tokens(
            home: "/home/ops", host: "10.0.0.1", originalHost: "md1", port: 2222,
            remoteUser: "root", localUser: "ops", environment: ["KEYS": "/keys"])
        #expect(
            try tokens.expand("~/.ssh/%h-%n-%p-%r-%u%%", place: "x")
                == "/home/ops/.ssh/10.0.0.1-md1-2222-root-ops%")
        #expect(try tokens.expand("%d/${KEYS}/%k", place: "x") == "/home/ops//keys/md1")
        for bad in ["%z", "%", "${NONE}"] {
            #expect(throws: SSHConfigError.self) { try tokens.expand(bad, place: "x") }
        }
    }
}
