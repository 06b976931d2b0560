import Linux
import SSHConfig
import TestSupport
import Testing

/// Configurations generated from a seed, read by us and by `ssh -G`.
@Suite struct ConfigDifferentialTests {
    private static let hosts = ["md1", "md2", "MD1", "gw.ld4", "db.ny4.example"]

    @Test(arguments: 0..<60) func `reads what ssh -G reads`(_ seed: UInt64) throws {
        let directory = try TemporaryDirectory()
        var random = Generator(seed: seed)
        for number in 0..<2 {
            let text = Self.blocks(&random, count: 3, includes: []).joined(separator: "\n")
            try directory.write("part\(number).conf", text + "\n")
        }
        let includes = [
            directory.path("part0.conf"), directory.path("part*.conf"), directory.path("none*"),
        ]
        let text = Self.blocks(&random, count: 8, includes: includes).joined(separator: "\n") + "\n"
        let path = try directory.write("config", text)

        let file = try ConfigFile(path, isUser: true, source: .test(directory))
        let reader = ConfigReader([file], caller: .init(localUser: "root"))
        for host in Self.hosts {
            let ours = try reader.settings(for: host)
            let result = try ProcessRunner.run(
                ProgramCall("/usr/bin/ssh", ["-G", "-F", path, host]))
            try #require(result.succeeded, "seed \(seed): \(result.errorText)\n\(text)")
            let theirs = Theirs(result.outputText)
            let comment = Comment(
                rawValue: "seed \(seed), host \(host)\n\(text)"
                    + (0..<2).map { (try? directory.read("part\($0).conf")) ?? "" }
                    .joined(separator: "---\n"))
            #expect(
                (ours.hostName ?? host).lowercased() == theirs["hostname"]?.lowercased(), comment)
            #expect(ours.user ?? "root" == theirs["user"], comment)
            #expect("\(ours.port ?? 22)" == theirs["port"], comment)
            if !ours.identityFiles.isEmpty {
                #expect(ours.identityFiles == theirs.all("identityfile"), comment)
            } else {
                #expect(theirs.all("identityfile").first == "~/.ssh/id_rsa", comment)
            }
            #expect(
                (ours.identitiesOnly ?? false ? "yes" : "no") == theirs["identitiesonly"], comment)
            let jump = ours.proxyJump.flatMap { $0.isEmpty ? nil : $0 }
            #expect(jump.map(Self.text) == theirs["proxyjump"].map(Self.normalised), comment)
            if let files = ours.userKnownHostsFiles {
                #expect(files.joined(separator: " ") == theirs["userknownhostsfile"], comment)
            }
            if let checking = ours.hostKeyChecking {
                let names = ["yes": "true", "no": "false"]
                #expect(
                    names[checking.rawValue] ?? checking.rawValue
                        == theirs["stricthostkeychecking"], comment)
            }
            let seconds = ours.connectTimeoutSeconds.map { "\($0)" } ?? "none"
            #expect(seconds == theirs["connecttimeout"], comment)
            #expect(ours.hostKeyAlias == theirs["hostkeyalias"], comment)
            let hasCommand = ours.forOpenSSH.contains { $0.option.lowercased() == "proxycommand" }
            #expect(hasCommand == (theirs["proxycommand"] != nil), comment)
        }
    }

    private static func text(_ hops: [JumpHop]) -> String {
        hops.map { hop in
            (hop.user.map { "\($0)@" } ?? "") + hop.host + (hop.port.map { ":\($0)" } ?? "")
        }.joined(separator: ",")
    }

    /// `ssh -G` prints the list as it was written.
    private static func normalised(_ jump: String) -> String {
        JumpHop.list(jump).map(text) ?? "unreadable"
    }

    private struct Theirs {
        private var values: [String: [String]] = [:]

        init(_ text: String) {
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: " ", maxSplits: 1)
                values[String(parts[0]), default: []].append(
                    parts.count > 1 ? String(parts[1]) : "")
            }
        }

        subscript(_ name: String) -> String? { values[name]?.first }
        func all(_ name: String) -> [String] { values[name] ?? [] }
    }

    // MARK: Generation

    private static func blocks(
        _ random: inout Generator, count: Int, includes: [String]
    ) -> [String] {
        var lines: [String] = []
        for _ in 0..<count {
            if random.chance(80) { lines.append(header(&random)) }
            for _ in 0..<Int.random(in: 1...4, using: &random) { lines.append(setting(&random)) }
            if !includes.isEmpty, random.chance(20) {
                lines.append("Include \(random.pick(includes))")
            }
            if random.chance(20) { lines.append(random.pick(["", "  # comment", "\t"])) }
        }
        return lines
    }

    private static func header(_ random: inout Generator) -> String {
        let patterns = [
            "md1", "md?", "*", "!md2", "!md1", "*.ld4", "MD1", "gw*", "*example", "db.*",
        ]
        let chosen = (0...Int.random(in: 0...2, using: &random)).map { _ in random.pick(patterns) }
        if random.chance(25) {
            return random.pick([
                "Match all", "Match host \(chosen[0])", "match originalhost=md1,gw*",
                "Match user root", "Match !user root", "Match localuser root host md*",
                "Match final", "Match final host *.example", "Match !final", "Match host !md1,*",
                "Match originalhost md1 user ops",
            ])
        }
        return "\(random.pick(["Host", "host", "HOST"]))\(random.pick([" ", "=", " = "]))"
            + chosen.joined(separator: random.pick([" ", "  "]))
    }

    private static func setting(_ random: inout Generator) -> String {
        let pair: (String, [String]) = random.pick([
            ("HostName", ["10.0.0.1", "%h.example", "\"%h\"", "a%%b", "x.ld4"]),
            ("User", ["ops", "\"ops\"", "admin", "root"]),
            ("Port", ["22", "2222", "65535", "\"2200\""]),
            ("IdentityFile", ["~/.ssh/a", "/k/%h", "\"/k/with space\"", "~/.ssh/a", "/k/x\\ y"]),
            ("IdentitiesOnly", ["yes", "no", "true"]),
            ("ProxyJump", ["gw", "ops@gw:2222", "a,b", "none", "ssh://ops@gw:33", "[::1]:22"]),
            ("ProxyCommand", ["nc %h %p", "none", "/bin/x 'y z'"]),
            ("UserKnownHostsFile", ["/k/known", "/k/a /k/b", "\"/k/a b\""]),
            ("StrictHostKeyChecking", ["yes", "no", "accept-new", "ask", "off"]),
            ("ConnectTimeout", ["5", "1m", "1m30", "none", "2h"]),
            ("HostKeyAlias", ["alias", "\"other\""]),
            ("Compression", ["yes"]), ("ForwardAgent", ["no"]), ("LogLevel", ["INFO"]),
        ])
        let keyword = random.pick([pair.0, pair.0.lowercased()])
        let separator = random.pick([" ", "=", " = ", "\t"])
        return random.pick(["", "  ", "\t"]) + keyword + separator + random.pick(pair.1)
            + random.pick(["", " ", "  \t"])
    }
}

extension ConfigSource {
    /// The real files of a test's directory, which is also `~`.
    static func test(_ directory: TemporaryDirectory) -> ConfigSource {
        ConfigSource(
            home: directory.path,
            read: { try? LocalMachine().read($0, limit: 1 << 20) },
            glob: { pattern in
                let folder = PathName.parent(of: pattern)
                let names = (try? LocalMachine().list(folder)) ?? []
                return names.map { PathName.join(folder, $0) }.filter {
                    pattern.hasSuffix("*.conf") || pattern.hasSuffix("*")
                        ? $0.hasPrefix(String(pattern.prefix { $0 != "*" }))
                            && (!pattern.hasSuffix(".conf") || $0.hasSuffix(".conf"))
                        : $0 == pattern
                }
            })
    }
}
