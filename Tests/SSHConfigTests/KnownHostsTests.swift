import Linux
import SSHConfig
import TestSupport
import Testing
import Wire

@Suite struct KnownHostsTests {
    private static let ed25519 = key("ssh-ed25519", 1)
    private static let other = key("ssh-ed25519", 2)
    private static let ecdsa = key("ecdsa-sha2-nistp256", 3)

    static func key(_ type: String, _ seed: UInt8) -> HostKey {
        var blob: [UInt8] = [0, 0, 0, UInt8(type.utf8.count)] + Array(type.utf8) + [0, 0, 0, 32]
        blob += (0..<32).map { seed &* 31 &+ $0 }
        guard let key = HostKey(blob: blob) else { preconditionFailure("a made-up key") }
        return key
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let lines: [String]
        let host: String
        let port: Int
        let expected: String
        var testDescription: String { "\(host):\(port) in \(lines.map { $0.prefix(40) })" }
    }

    static let cases: [Case] = [
        Case(lines: [], host: "md1", port: 22, expected: "unknown"),
        Case(lines: ["md1 \(ed25519.text)"], host: "md1", port: 22, expected: "known"),
        Case(lines: ["md1 \(ed25519.text)"], host: "MD1", port: 22, expected: "known"),
        Case(lines: ["MD1 \(ed25519.text)"], host: "md1", port: 22, expected: "known"),
        Case(lines: ["  md1\t\(ed25519.text) a comment"], host: "md1", port: 22, expected: "known"),
        Case(lines: ["md1 \(other.text)"], host: "md1", port: 22, expected: "changed kh:1"),
        Case(
            lines: ["", "# no", "md1 \(other.text)"], host: "md1", port: 22,
            expected: "changed kh:3"),
        Case(
            lines: ["md1 \(other.text)", "md1 \(ed25519.text)"], host: "md1", port: 22,
            expected: "known"),
        Case(
            lines: ["md1 \(ecdsa.text)"], host: "md1", port: 22,
            expected: "unknown others ecdsa-sha2-nistp256"),
        Case(
            lines: ["@revoked * \(ed25519.text)", "md1 \(ed25519.text)"], host: "md1", port: 22,
            expected: "revoked kh:1"),
        Case(
            lines: ["@revoked md2 \(ed25519.text)", "md1 \(ed25519.text)"], host: "md1", port: 22,
            expected: "known"),
        // A marker is no host name, and an authority's key is no host's key.
        Case(
            lines: ["@cert-authority md1 \(ed25519.text)"], host: "md1", port: 22,
            expected: "unknown"),
        Case(
            lines: ["@revoked md1 \(ed25519.text)"], host: "@revoked", port: 22, expected: "unknown"
        ),
        Case(lines: ["*.ld4 \(ed25519.text)"], host: "md1.ld4", port: 22, expected: "known"),
        Case(
            lines: ["*.ld4,!md1.ld4 \(ed25519.text)"], host: "md1.ld4", port: 22,
            expected: "unknown"),
        Case(
            lines: ["!md1.ld4,*.ld4 \(ed25519.text)"], host: "md2.ld4", port: 22, expected: "known"),
        Case(lines: ["md? \(ed25519.text)"], host: "md12", port: 22, expected: "unknown"),
        Case(
            lines: ["md1,10.0.0.1 \(ed25519.text)"], host: "10.0.0.1", port: 22, expected: "known"),
        Case(lines: ["[md1]:2222 \(ed25519.text)"], host: "md1", port: 2222, expected: "known"),
        Case(lines: ["[md1]:2222 \(ed25519.text)"], host: "md1", port: 22, expected: "unknown"),
        // The bare name vouches for another port where nothing speaks of that port.
        Case(lines: ["md1 \(ed25519.text)"], host: "md1", port: 2222, expected: "known"),
        Case(lines: ["md1 \(other.text)"], host: "md1", port: 2222, expected: "unknown"),
        Case(
            lines: ["[md1]:2222 \(other.text)", "md1 \(ed25519.text)"], host: "md1", port: 2222,
            expected: "changed kh:1"),
        Case(
            lines: [KnownHosts.line("md1", ed25519, salt: Array(1...20))], host: "md1", port: 22,
            expected: "known"),
        Case(
            lines: [KnownHosts.line("[md1]:2222", other, salt: Array(1...20))], host: "md1",
            port: 2222, expected: "changed kh:1"),
        Case(
            lines: [KnownHosts.line("md2", other, salt: Array(1...20))], host: "md1", port: 22,
            expected: "unknown"),
    ]

    @Test(arguments: cases) func `the key is judged`(_ case: Case) {
        var known = KnownHosts()
        known.read(Array(`case`.lines.joined(separator: "\n").utf8), path: "kh")
        let verdict = known.entries(for: `case`.host, port: `case`.port).verdict(on: Self.ed25519)
        let text =
            switch verdict {
            case .known: "known"
            case .changed(let line): "changed \(line.place)"
            case .revoked(let line): "revoked \(line.place)"
            case .unknown(let others):
                "unknown"
                    + (others.isEmpty
                        ? "" : " others \(others.map(\.key.type).joined(separator: " "))")
            }
        #expect(text == `case`.expected)
        #expect(known.faults.isEmpty)
    }

    @Test(arguments: [
        "md1", "md1 ssh-ed25519", "md1 ssh-ed25519 AAAA",
        "md1 ssh-rsa \(Base64.encode(ed25519.blob))",
        "@nonsense md1 \(ed25519.text)", "|1|short|AAAA= \(ed25519.text)", "|2|a|b \(ed25519.text)",
        "md1 1024 35 12345", "\u{fffd}\u{0}",
    ])
    func `a line that is not understood is skipped and said`(_ line: String) {
        var known = KnownHosts()
        known.read(Array("\(line)\nmd1 \(Self.ed25519.text)\n".utf8), path: "kh")
        #expect(known.faults.map(\.place) == ["kh:1"])
        guard case .known = known.entries(for: "md1", port: 22).verdict(on: Self.ed25519) else {
            Issue.record("the next line was lost")
            return
        }
    }

    /// Files generated from a seed, looked through by us and by `ssh-keygen -F`.
    @Test(arguments: 0..<12) func `matches what ssh-keygen -F matches`(_ seed: UInt64) throws {
        var random = Generator(seed: seed)
        let hosts = [
            "md1", "md2", "md10", "a.ld4", "b.ld4", "10.0.0.1", "[md1]:2222", "[a.ld4]:22",
        ]
        let patterns = hosts + ["*", "md?", "*.ld4", "!md1", "!a.*", "[md1]:*", "10.0.0.*", "MD2"]
        var lines: [String] = []
        for number in 0..<30 {
            let key = Self.key("ssh-ed25519", UInt8(number))
            var names = (0...Int.random(in: 0...2, using: &random)).map { _ in random.pick(patterns)
            }
            .joined(separator: ",")
            if random.chance(30) {
                let salt = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
                names = String(
                    KnownHosts.line(random.pick(hosts), key, salt: salt).prefix { $0 != " " })
            }
            let marker = random.chance(20) ? random.pick(["@revoked ", "@cert-authority "]) : ""
            let blanks = random.pick(["", " ", "\t"])
            lines.append("\(blanks)\(marker)\(names) \(key.text)\(random.pick(["", " note"]))")
            if random.chance(10) { lines.append(random.pick(["", "# comment", "broken"])) }
        }
        let directory = try TemporaryDirectory()
        let text = lines.joined(separator: "\n") + "\n"
        let file = try directory.write("known_hosts", text)
        var known = KnownHosts()
        known.read(Array(text.utf8), path: "f")
        for host in hosts {
            let result = try ProcessRunner.run(
                ProgramCall("/usr/bin/ssh-keygen", ["-F", host, "-f", file]))
            let theirs = result.outputText.split(separator: "\n").compactMap { line -> Int? in
                guard let found = line.range(of: "found: line ") else { return nil }
                return Int(line[found.upperBound...].prefix { $0.isNumber })
            }
            let ours = known.entries(named: host).compactMap { Int($0.place.dropFirst(2)) }
            #expect(ours == theirs, "seed \(seed), host \(host):\n\(text)")
        }
    }

    @Test func `a pinned line is one that ssh-keygen finds`() throws {
        let directory = try TemporaryDirectory()
        let lines = [
            KnownHosts.line("[md1]:2222", Self.ed25519, salt: nil),
            KnownHosts.line("[md1]:2222", Self.other, salt: (0..<20).map { $0 }),
        ]
        let file = try directory.write("known_hosts", lines.joined(separator: "\n") + "\n")
        let result = try ProcessRunner.run(
            ProgramCall("/usr/bin/ssh-keygen", ["-l", "-F", "[md1]:2222", "-f", file]))
        #expect(result.outputText.contains(Self.ed25519.fingerprint))
        #expect(result.outputText.contains(Self.other.fingerprint))
    }
}

extension StringProtocol {
    /// Where a text occurs first.
    func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
