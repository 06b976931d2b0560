import Linux
import SSHConfig
import TestSupport
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(3)))
struct HostKeyTests {
    private func key(_ server: SSHServer, _ type: String = "ed25519") throws -> HostKey {
        let fields = try server.directory.read("host_\(type).pub").split(separator: " ")
        return try #require(Base64.decode(fields[1]).flatMap { HostKey(blob: $0) })
    }

    @Test func `an unknown key is refused with its fingerprint`() async throws {
        let server = try SSHServer()
        let key = try key(server)
        let error = await failure(server.target().with { $0.knownHostsFiles = ["/nonexistent/kh"] })
        #expect(
            error?.kind
                == .hostKeyUnknown(
                    .init(type: "ssh-ed25519", fingerprint: key.fingerprint), otherTypesKnown: []))
        let listed = try ProcessRunner.run(
            ProgramCall(
                "/usr/bin/ssh-keygen", ["-lf", server.directory.path("host_ed25519.pub")]))
        #expect(listed.outputText.contains(key.fingerprint))
    }

    @Test func `accept-new pins the key and says so, once`() async throws {
        let server = try SSHServer()
        let file = server.directory.path("new/known_hosts")
        let target = server.target().with {
            $0.knownHostsFiles = [file]
            $0.strictHostKeyChecking = .acceptNew
        }
        let notices = try await expectLogin(target)
        let print = try key(server).fingerprint
        #expect(
            notices == [
                "pinned the new host key ssh-ed25519 \(print) of [127.0.0.1]:\(server.port) in \(file)"
            ])
        let pinned = try server.directory.read("new/known_hosts")
        #expect(pinned == "[127.0.0.1]:\(server.port) \(try key(server).text)\n")
        #expect(try await expectLogin(target).isEmpty)
        // OpenSSH reads what we have pinned.
        #expect(try await expectLogin(target.with { $0.way = .openssh }).isEmpty)
    }

    @Test func `a key is pinned hashed where the file's names are, on a line of its own`()
        async throws
    {
        let server = try SSHServer()
        let other = KnownHosts.line("other", try key(server), salt: Array(0..<20))
        let file = try server.directory.write("hashed", other)
        try await expectLogin(
            server.target().with {
                $0.knownHostsFiles = [file]
                $0.strictHostKeyChecking = .acceptNew
            })
        let lines = try server.directory.read("hashed").split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.hasPrefix("|1|") })
        try await expectLogin(server.target().with { $0.knownHostsFiles = [file] })
    }

    @Test func `many hosts pinned at once each get their line`() async throws {
        let servers = try (0..<4).map { _ in try SSHServer() }
        let file = servers[0].directory.path("shared")
        let client = SSHClient()
        try await withThrowingTaskGroup { group in
            for server in servers {
                group.addTask {
                    try await expectLogin(
                        server.target().with {
                            $0.knownHostsFiles = [file]
                            $0.strictHostKeyChecking = .acceptNew
                        }, client: client)
                }
            }
            try await group.waitForAll()
        }
        #expect(try servers[0].directory.read("shared").split(separator: "\n").count == 4)
    }

    @Test(arguments: [SSHTarget.Way.libssh2, .openssh])
    func `a changed key is refused with both fingerprints and the line`(
        way: SSHTarget.Way
    ) async throws {
        let server = try SSHServer()
        let other = try SSHServer()
        let old = try key(other)
        let file = try server.directory.write(
            "changed", "# one line above\n[127.0.0.1]:\(server.port) \(old.text)\n")
        for checking in [SSHTarget.StrictHostKeyChecking.yes, .acceptNew, .no] {
            let error = await failure(
                server.target(way: way).with {
                    $0.knownHostsFiles = [file]
                    $0.strictHostKeyChecking = checking
                })
            guard case .hostKeyChanged(let known, let shown, let place) = error?.kind else {
                Issue.record("\(checking): \(String(describing: error))")
                continue
            }
            #expect(shown.fingerprint == (try key(server).fingerprint))
            #expect(place == "\(file):2")
            if way == .libssh2 { #expect(known.fingerprint == old.fingerprint) }
        }
    }

    @Test func `a revoked key is refused though it is known`() async throws {
        let server = try SSHServer()
        let key = try key(server)
        let file = try server.directory.write(
            "revoked", "[127.0.0.1]:\(server.port) \(key.text)\n@revoked * \(key.text)\n")
        let error = await failure(server.target().with { $0.knownHostsFiles = [file] })
        #expect(
            error?.kind
                == .hostKeyRevoked(
                    .init(type: key.type, fingerprint: key.fingerprint), place: "\(file):2"))
    }

    @Test func `of several host keys the known one is asked for`() async throws {
        let server = try SSHServer(hostKeys: ["ed25519", "ecdsa"])
        let file = try server.directory.write(
            "one", "[127.0.0.1]:\(server.port) \(try key(server, "ecdsa").text)\n")
        try await expectLogin(server.target().with { $0.knownHostsFiles = [file] })
    }

    @Test func `a host known by RSA alone goes over ssh, which can check it`() async throws {
        let server = try SSHServer(hostKeys: ["rsa", "ed25519"])
        let file = try server.directory.write(
            "rsa", "[127.0.0.1]:\(server.port) \(try key(server, "rsa").text)\n")
        let target = server.target().with { $0.knownHostsFiles = [file] }
        guard case .hostKeyUnknown(_, let others) = await failure(target)?.kind else {
            Issue.record("an unknown type was trusted")
            return
        }
        #expect(others == ["ssh-rsa"])
        // Not even where new keys are welcome: this host is no new one.
        #expect(await failure(target.with { $0.strictHostKeyChecking = .acceptNew }) != nil)
        let notices = try await expectLogin(target.with { $0.way = .automatic })
        #expect(notices.first?.contains("known by ssh-rsa") == true)
    }

    @Test func `a certified host key goes over ssh`() async throws {
        let server = try SSHServer()
        let authority = try SSHServer.makeKey("ed25519", at: server.directory.path("authority"))
        let signed = try ProcessRunner.run(
            ProgramCall(
                "/usr/bin/ssh-keygen",
                [
                    "-q", "-s", authority, "-h", "-I", "test", "-n", "127.0.0.1",
                    server.directory.path("host_ed25519.pub"),
                ]))
        #expect(signed.succeeded)
        let certified = try SSHServer(
            [
                "HostKey \(server.directory.path("host_ed25519"))",
                "HostCertificate \(server.directory.path("host_ed25519-cert.pub"))",
            ], hostKeys: [])
        let line = try server.directory.read("authority.pub")
        let file = try certified.directory.write(
            "ca", "@cert-authority [127.0.0.1]:\(certified.port) \(line)")
        let target = certified.target().with { $0.knownHostsFiles = [file] }
        guard case .hostKeyUnverifiable = await failure(target)?.kind else {
            Issue.record("a key was trusted without its certificate")
            return
        }
        try await expectLogin(target.with { $0.way = .automatic })
    }
}
