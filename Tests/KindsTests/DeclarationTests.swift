import FleetModel
import Kinds
import Testing
import Wire

/// Attributes of a resource, and what is wrong with them.
struct FaultCase: Sendable, CustomTestStringConvertible {
    let kind: Kind
    let name: String
    let attributes: [String: JSON]
    /// `attribute: message`, or "" where nothing is.
    let expected: String

    init(_ kind: Kind, _ name: String, _ attributes: [String: JSON], _ expected: String) {
        self.kind = kind
        self.name = name
        self.attributes = attributes
        self.expected = expected
    }

    var testDescription: String { "\(kind.rawValue) \(name): \(expected)" }

    /// What reading the declaration says.
    var found: String {
        do {
            _ = try kind.declaration(name: name, attributes: attributes)
            return ""
        } catch {
            return (error.attribute.map { "\($0): " } ?? "") + error.message
        }
    }
}

private let digest: JSON = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

@Suite struct DeclarationTests {
    private static let faults: [FaultCase] = [
        FaultCase(.file, "/etc/motd", ["content_digest": digest, "content_size": 1], ""),
        FaultCase(.file, "/etc/motd", [:], "file /etc/motd declares nothing to manage"),
        FaultCase(
            .file, "/etc/motd", ["content_digest": digest],
            "content_size: content_digest is given without a valid content_size"),
        FaultCase(
            .file, "/etc/motd", ["state": "absent", "mode": "0644"],
            "mode: mode has no meaning for an absent file"),
        FaultCase(
            .file, "/etc/motd", ["state": "gone"],
            "state: \"gone\" is not a state: one of present, absent"),
        FaultCase(
            .file, "/etc/motd", ["owner": "a b"], "owner: \"a b\" is not a user or group name"),
        FaultCase(
            .file, "/x", ["content_digest": digest, "content_size": 1, "validate": ["visudo"]],
            "validate: the program \"visudo\" is not an absolute path"),
        FaultCase(
            .file, "/x", ["content_digest": digest, "content_size": 1, "validate": ["/bin/true"]],
            "validate: validate has no \"%s\""),
        FaultCase(.directory, "/etc/feed.d", ["purge": true], ""),
        FaultCase(
            .directory, "/etc", ["purge": true],
            "purge: /etc belongs to the system and may not be emptied"),
        FaultCase(
            .directory, "/usr/lib", ["state": "absent"],
            "state: /usr/lib belongs to the system and may not be emptied"),
        FaultCase(
            .directory, "/etc/feed.d", ["purge_except": ["a"]],
            "purge_except: purge_except without purge: true does nothing"),
        FaultCase(.symlink, "/a", ["target": "b"], ""),
        FaultCase(.symlink, "/a", [:], "target: the link /a has no target"),
        FaultCase(.symlink, "/a", ["target": "/a"], "target: the link /a would point to itself"),
        FaultCase(.line, "x", ["path": "/etc/hosts", "text": "a"], ""),
        FaultCase(.line, "x", ["path": "/etc/hosts"], "text: text is missing"),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "text": "a\nb"],
            "text: text has more than one line"),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "text": "a", "match": "^b"],
            "match: match does not match the line's own text"),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "text": "a", "match": "("],
            "match: \"(\" is not a valid expression: Unmatched ( or \\("),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "text": "a", "match": "\\d+"],
            "match: \"\\d+\" has \\d"),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "text": "a", "match": "(?i)a"],
            "match: \"(?i)a\" has a (?…) group, which is not POSIX"),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "text": "aa", "match": "(a)\\1"],
            "match: \"(a)\\1\" has a back-reference"),
        FaultCase(
            .line, "x", ["path": "/etc/hosts", "state": "absent"],
            "neither text nor match is given: the line to remove is not known"),
        FaultCase(.sysctl, "vm.swappiness", ["value": "0"], ""),
        FaultCase(.sysctl, "vm.swappiness", [:], "value: value is missing"),
        FaultCase(
            .sysctl, "swappiness", ["value": "0"], "\"swappiness\" is not a kernel parameter"),
        FaultCase(
            .sysctl, "net.ipv4.conf.*.rp_filter", ["value": "0"],
            "net.ipv4.conf.*.rp_filter is a pattern"),
        FaultCase(
            .sysctl, "vm.drop_caches", ["value": "3"], "vm.drop_caches is an action, not a setting"),
        FaultCase(
            .sysctl, "net.ipv4.neigh.lo.retrans_time", ["value": "3"],
            "net.ipv4.neigh.lo.retrans_time is deprecated and rounds its value"),
        FaultCase(
            .sysctl, "vm.swappiness", ["value": "0", "path": "/etc/x.conf"],
            "path: /etc/x.conf is not read at boot"),
        FaultCase(.command, "x", ["run": ["/bin/a"], "check": ["/bin/b"]], ""),
        FaultCase(.command, "x", ["run": ["/bin/a"]], "check: check is missing"),
        FaultCase(
            .command, "x", ["run": ["/bin/a"], "check": ["test -e x"]],
            "check: \"test -e x\" is not the absolute path of a program"),
        FaultCase(
            .command, "x", ["run": ["/bin/a"], "check": ["/bin/a"]],
            "check: check and run are the same program"),
        FaultCase(
            .command, "x", ["run": ["/bin/a"], "check": ["/bin/b"], "timeout": 0],
            "timeout: timeout must be greater than 0 and at most 1d"),
    ]

    @Test(arguments: faults)
    private func fault(_ test: FaultCase) {
        #expect(test.found == test.expected)
    }

    @Test func bothSpellingsOfAKeyAreOneClaim() throws {
        let dotted = try Kind.sysctl.declaration(
            name: "net.ipv4.conf.eth0/100.rp_filter", attributes: ["value": "1"])
        let slashed = try Kind.sysctl.declaration(
            name: "net/ipv4/conf/eth0.100/rp_filter", attributes: ["value": "1"])
        #expect(dotted.owns == slashed.owns)
        #expect(dotted.owns.first == .sysctl("net.ipv4.conf.eth0/100.rp_filter"))
    }

    @Test func parametersThatZeroEachOtherConflict() throws {
        let ratio = try Kind.sysctl.declaration(name: "vm.dirty_ratio", attributes: ["value": "1"])
        let bytes = try Kind.sysctl.declaration(name: "vm.dirty_bytes", attributes: ["value": "1"])
        #expect(!Set(ratio.owns).isDisjoint(with: bytes.owns))
    }

    @Test func aFileNeedsItsDirectoriesAndOwner() throws {
        let file = try Kind.file.declaration(
            name: "/etc/feed.d/a.conf", attributes: ["owner": "feed", "owner_group": "0"])
        #expect(file.needs == [.path("/etc/feed.d"), .path("/etc"), .user("feed")])
    }

    @Test func declaredNamesAreTheNextComponentOfClaims() {
        let claims: [Claim] = [
            .path("/etc/feed.d/a"), .path("/etc/feed.d/sub/deep"), .path("/etc/feed.d2/b"),
            .path("/etc/feed.d"), .linePattern(path: "/etc/feed.d/l", key: "x"), .user("u"),
        ]
        #expect(
            Claim.names(in: "/etc/feed.d", of: claims) == [
                "a", "l", "sub",
            ])
    }

    /// Each attribute documented, and none named as a kind that could be meant instead: of two kinds
    /// each with the other's name among its attributes, neither could be told.
    @Test(arguments: Kind.allCases)
    func schemaIsComplete(_ kind: Kind) {
        let schema = kind.schema
        #expect(schema.kind == kind)
        #expect(!schema.summary.isEmpty && !schema.nameSummary.isEmpty && !schema.example.isEmpty)
        for attribute in schema.attributes {
            #expect(!attribute.summary.isEmpty)
            let namesake = Kind(rawValue: attribute.name)
            #expect(
                namesake?.schema.attribute(kind.rawValue) == nil,
                "\(attribute.name) is a kind with \(kind.rawValue)")
        }
    }
}
