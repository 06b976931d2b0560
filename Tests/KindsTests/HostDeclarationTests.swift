import FleetModel
import Kinds
import Testing
import Wire

private let digest: JSON = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
private let key: JSON =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4UrhX8pDzqZrSDVpzlBKpL1kzl6Tt5BQhm alice"

/// Faults and claims of packages, services and accounts.
@Suite struct HostDeclarationTests {
    private static let content: [String: JSON] = ["content_digest": digest, "content_size": 9]
    private static let repository: [String: JSON] = [
        "uris": ["https://a.example"], "suites": ["bookworm"], "components": ["main"],
    ]

    private static func repository(_ more: [String: JSON]) -> [String: JSON] {
        repository.merging(more) { _, new in new }
    }

    private static let faults: [FaultCase] = [
        FaultCase(.service, "irqbalance", ["state": "stopped"], ""),
        FaultCase(.service, "irqbalance", ["masked": true, "state": "stopped"], ""),
        FaultCase(.service, "irqbalance", [:], "service irqbalance declares nothing"),
        FaultCase(
            .service, "feed", ["state": "running"],
            "state: \"running\" is not a state: one of unmanaged, started, stopped"),
        FaultCase(
            .service, "feed", ["masked": true, "state": "started"],
            "masked: a masked unit cannot be started"),
        FaultCase(
            .service, "feed", ["masked": true, "enabled": true],
            "masked: a masked unit cannot be enabled"),
        FaultCase(
            .service, "feed@", ["enabled": true],
            "feed@.service is a template; only instances can run"),
        FaultCase(.service, "feed@a.b", ["enabled": true], ""),
        FaultCase(
            .service, "feed handler", ["enabled": true],
            "\"feed handler\" is not a unit name"),
        FaultCase(
            .service, "-feed", ["enabled": true], "a unit name cannot begin with \"-\""),
        FaultCase(.unit, "feed.service", content, ""),
        FaultCase(.unit, "feed", content, "unit \"feed\" has no type"),
        FaultCase(.unit, "feed.service", [:], "unit feed.service has no content"),
        FaultCase(
            .unit, "feed.service", ["drop_in": "cpus", "state": "absent"],
            "drop_in: drop_in \"cpus\" is not a file name that ends in .conf"),
        FaultCase(
            .unit, "feed.service", ["drop_in": "../x.conf", "state": "absent"],
            "drop_in: drop_in \"../x.conf\" is not a file name that ends in .conf"),
        FaultCase(.unit, "feed.service.d/cpus.conf", content, ""),
        FaultCase(
            .unit, "feed.service.d/cpus.conf", ["drop_in": "x.conf", "state": "absent"],
            "drop_in: the name is already that of a drop-in"),
        FaultCase(
            .unit, "feed.service.d/../x.conf", content,
            "drop_in: drop_in \"../x.conf\" is not a file name that ends in .conf"),
        FaultCase(
            .unit, "../feed.service", content, "\"../feed.service\" is not a unit name"),
        FaultCase(.package, "libc6:i386", ["version": "2:1.0~rc1+b-1"], ""),
        FaultCase(.package, "g++", [:], ""),
        FaultCase(
            .network, "ens 1", [:], "\"ens 1\" is not an interface name"),
        FaultCase(
            .network, "ens1", ["addresses": ["10.1.2.3"]],
            "addresses: 10.1.2.3 has no prefix length"),
        FaultCase(
            .network, "ens1", ["addresses": ["10.1.2.300/24"]],
            "addresses: \"10.1.2.300/24\" is not an IP address"),
        FaultCase(
            .network, "ens1", ["addresses": ["10.1.2.3/33"]],
            "addresses: \"33\" in \"10.1.2.3/33\" is not a prefix length"),
        FaultCase(
            .network, "ens1", ["addresses": ["10.1.2.3/24"], "gateways": ["10.1.3.1"]],
            "gateways: the gateway 10.1.3.1 is in no network of ens1"),
        FaultCase(
            .network, "ens1",
            ["addresses": ["10.1.2.3/24"], "gateways": ["10.1.2.1", "10.1.2.2"]],
            "gateways: two routes to everywhere have the same metric"),
        FaultCase(
            .network, "ens1", ["routes": [["to": "10.1.2.3/24"]]],
            "routes: 10.1.2.3/24 has bits set after its prefix"),
        FaultCase(
            .network, "ens1", ["routes": [["to": "10.1.2.0/24", "via": "fd00::1"]]],
            "routes: the route to 10.1.2.0/24 mixes IPv4 and IPv6"),
        FaultCase(
            .network, "v5", ["vlan": ["id": 5000, "parent": "ens1"]],
            "vlan: 5000 is not a VLAN id from 1 to 4094"),
        FaultCase(
            .network, "bond0", ["bond": ["mode": "802.3ad", "members": ["a"], "primary": "b"]],
            "bond: the primary b is not among the members"),
        FaultCase(
            .network, "bond0", ["bond": ["mode": "802.3ad", "members": ["a"], "slaves": "b"]],
            "bond: \"slaves\" is not a bond setting"),
        FaultCase(.nicFirmware, "ens1", [:], "nic_firmware ens1 expects nothing"),
        FaultCase(
            .nicFirmware, "ens1", ["version": "1.0", "minimum": "1.0"],
            "minimum: version and minimum are both given"),
        FaultCase(
            .ptp, "clock", ["discipline": "chrony"],
            "there is only one ptp, called system, not \"clock\""),
        FaultCase(.ptp, "system", [:], "discipline: discipline is missing"),
        FaultCase(
            .ptp, "system", ["discipline": "chrony", "interface": "ens1"],
            "interface: chrony takes its interfaces from its configuration"),
        FaultCase(
            .ptp, "system", ["discipline": "linuxptp", "interface": "ens1", "units": ["ptp4l"]],
            "units: interface already determines the units"),
        FaultCase(
            .ptp, "system", ["discipline": "linuxptp", "interface": "a b"],
            "interface: \"a b\" is not an interface name"),
        FaultCase(
            .ptp, "system", ["discipline": "chrony", "units": []], "units: units is empty"),
        FaultCase(
            .ptp, "system", ["discipline": "linuxptp", "units": ["ptp4l@"]],
            "units: ptp4l@ is a template; only instances can run"),
        FaultCase(
            .ptp, "system", ["discipline": "chrony", "allowed": ["chrony.service"]],
            "allowed: chrony.service is in units already"),
        FaultCase(
            .ptp, "system", ["discipline": "chrony", "offset": 0],
            "offset: offset must be greater than 0"),
        FaultCase(.hostsEntry, "10.1.2.3", [:], "names: hosts_entry 10.1.2.3 has no names"),
        FaultCase(
            .hostsEntry, "md001", ["names": ["a"]], "\"md001\" is not an IP address"),
        FaultCase(
            .hostsEntry, "10.1.2.3", ["names": ["a b"]], "names: \"a b\" is not a host name"),
        FaultCase(
            .resolv, "system", ["nameservers": ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]],
            "nameservers: 4 name servers are declared, but the resolver reads only three"),
        FaultCase(.package, "fire fox", [:], "\"fire fox\" is not a package name"),
        FaultCase(.package, "a=1", [:], "\"a=1\" is not a package name"),
        FaultCase(.package, "-y", [:], "\"-y\" is not a package name"),
        FaultCase(
            .package, "feed", ["version": "1.*"], "version: \"1.*\" is not a version"),
        FaultCase(
            .package, "feed", ["state": "absent", "version": "1"],
            "version: version has no meaning with state: absent"),
        FaultCase(
            .package, "feed", ["state": "purged", "hold": true],
            "hold: hold has no meaning with state: purged"),
        FaultCase(.package, "feed", ["state": "absent", "hold": false], ""),
        FaultCase(
            .package, "feed", content, "version: a package from a file needs its version"),
        FaultCase(.packageRepository, "vendor", repository, ""),
        FaultCase(.packageRepository, "vendor", ["state": "absent"], ""),
        FaultCase(
            .packageRepository, "a b", repository, "\"a b\" is not a file name that apt reads"),
        FaultCase(
            .packageRepository, "vendor", ["suites": ["x"], "components": ["main"]],
            "uris: package_repository vendor has no uris"),
        FaultCase(
            .packageRepository, "vendor", repository(["components": []]),
            "components: package_repository vendor has no components"),
        FaultCase(
            .packageRepository, "vendor", repository(["suites": ["./"]]),
            "suites: ./ is a flat repository, without components or other suites"),
        FaultCase(
            .packageRepository, "vendor", repository(["uris": ["a.example"]]),
            "uris: \"a.example\" is not a URI"),
        FaultCase(
            .packageRepository, "vendor", repository(["components": ["main\ncontrib"]]),
            "components: \"main\ncontrib\" in components is not one word"),
        FaultCase(
            .packageRepository, "vendor", repository(["options": ["Signed-By": "/x"]]),
            "options: the option Signed-By has its own attribute"),
        FaultCase(
            .packageRepository, "vendor", repository(["options": ["By-Hash": "no\nURIs: x"]]),
            "options: the option By-Hash is not one line of text"),
        FaultCase(
            .packageRepository, "vendor",
            repository(["signed_by": "/x", "content_digest": digest, "content_size": 1]),
            "signed_by: signed_by and a key are both given"),
        FaultCase(.user, "trader", [:], ""),
        FaultCase(.user, "0trader", [:], "\"0trader\" is not a valid user or group name"),
        FaultCase(.user, "a:b", [:], "\"a:b\" is not a valid user or group name"),
        FaultCase(.user, "samba$", [:], ""),
        FaultCase(
            .user, "trader", ["comment": "a:b"],
            "comment: comment contains a colon or a control character"),
        FaultCase(
            .user, "trader", ["groups_exclusive": true],
            "groups_exclusive: groups_exclusive needs groups"),
        FaultCase(
            .user, "trader", ["remove_home": true],
            "remove_home: remove_home is only possible with state: absent"),
        FaultCase(.user, "root", ["state": "absent"], "state: root cannot be absent"),
        FaultCase(.user, "root", ["uid": 7], "uid: the uid of root must be 0"),
        FaultCase(
            .user, "trader", ["password": "$6$plain"], "password: password is not a secret"),
        FaultCase(.group, "onload", ["members": ["a"], "members_exclusive": true], ""),
        FaultCase(
            .group, "onload", ["members_exclusive": true],
            "members_exclusive: members_exclusive needs members"),
        FaultCase(.authorizedKey, "alice", ["owner": "trader", "key": key], ""),
        FaultCase(
            .authorizedKey, "alice",
            [
                "owner": "trader", "key": key,
                "options": [
                    "restrict", "command=\"say \\\"hi\\\", there\"", "from=\"10.0.0.0/8\"",
                ],
            ], ""),
        FaultCase(
            .authorizedKey, "alice",
            ["owner": "trader", "key": key, "options": ["restrict,pty"]],
            "options: \"restrict,pty\" is not an option of authorized_keys"),
        FaultCase(
            .authorizedKey, "alice",
            ["owner": "trader", "key": key, "options": ["command=\"a\" ssh-rsa AAAA\""]],
            "options: \"command=\"a\" ssh-rsa AAAA\"\" is not an option of authorized_keys"),
        FaultCase(
            .authorizedKey, "alice",
            ["owner": "trader", "key": key, "options": ["command=\"a\\\""]],
            "options: \"command=\"a\\\"\" is not an option of authorized_keys"),
        FaultCase(
            .authorizedKey, "alice", ["owner": "trader", "key": key, "comment": "a\nssh-rsa"],
            "comment: comment has a line break or another control character"),
        FaultCase(
            .authorizedKey, "alice", ["owner": "trader"], "key: give either key or keys"),
        FaultCase(
            .authorizedKey, "alice", ["owner": "trader", "key": "ssh-ed25519"],
            "key: a key needs its type and its base64"),
        FaultCase(
            .authorizedKey, "alice", ["owner": "trader", "key": "restrict ssh-ed25519 AAAA"],
            "key: \"restrict\" is not a key type"),
        FaultCase(
            .authorizedKey, "alice",
            ["owner": "trader", "key": "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4U"],
            "key: the base64 is not a ssh-rsa key"),
        FaultCase(
            .authorizedKey, "alice", ["owner": "trader", "keys": [key, key]],
            "keys: the same key is given twice"),
    ]

    @Test(arguments: faults)
    func fault(_ test: FaultCase) {
        #expect(test.found == test.expected)
    }

    private func declaration(
        _ kind: Kind, _ name: String, _ attributes: [String: JSON]
    ) throws -> any ResourceDeclaration {
        try kind.declaration(name: name, attributes: attributes)
    }

    /// Whether the first, where a plan has both, comes before the second.
    private func comesFirst(
        _ first: any ResourceDeclaration, _ second: any ResourceDeclaration
    ) -> Bool {
        !Set(first.owns + first.provides).isDisjoint(with: second.needs)
    }

    @Test func aServiceComesAfterItsUnitItsDropInsAndItsPackage() throws {
        let service = try declaration(.service, "feed@a", ["state": "started"])
        for name in ["feed@a.service", "feed@.service"] {
            #expect(comesFirst(try declaration(.unit, name, HostDeclarationTests.content), service))
            let dropIn = HostDeclarationTests.content.merging(["drop_in": "x.conf"]) { $1 }
            #expect(comesFirst(try declaration(.unit, name, dropIn), service))
        }
        #expect(comesFirst(try declaration(.package, "feed", [:]), service))
        #expect(!comesFirst(try declaration(.package, "feed-tools", [:]), service))
    }

    @Test func oneNameOfAServiceIsAnother() throws {
        let short = try declaration(.service, "ssh", ["enabled": true])
        let long = try declaration(.service, "ssh.service", ["enabled": true])
        #expect(short.owns == long.owns)
        let unit = try declaration(.unit, "ssh.service", HostDeclarationTests.content)
        #expect(Set(short.owns).isDisjoint(with: unit.owns))
    }

    @Test func bothSpellingsOfADropInAreOneClaim() throws {
        let dropIn = HostDeclarationTests.content.merging(["drop_in": "x.conf"]) { $1 }
        let given = try declaration(.unit, "ssh.service", dropIn)
        let named = try declaration(.unit, "ssh.service.d/x.conf", HostDeclarationTests.content)
        #expect(given.owns == named.owns)
        #expect(given.provides == named.provides)
    }

    @Test func packagesComeAfterEveryRepository() throws {
        let package = try declaration(.package, "feed", [:])
        let repository = try declaration(
            .packageRepository, "vendor", HostDeclarationTests.repository)
        #expect(comesFirst(repository, package))
        let gone = try declaration(.package, "feed", ["state": "absent"])
        #expect(!comesFirst(repository, gone))
    }

    @Test func accountsComeInOrder() throws {
        let user = try declaration(.user, "trader", ["groups": ["onload"]])
        let group = try declaration(.group, "onload", [:])
        let own = try declaration(.group, "trader", [:])
        let authorized = try declaration(.authorizedKey, "alice", ["owner": "trader", "key": key])
        #expect(comesFirst(group, user))
        #expect(comesFirst(own, user))
        #expect(comesFirst(user, authorized))
        // A user that brings its group is enough for a file of that group.
        let file = try declaration(.file, "/srv/x", ["owner_group": "trader"])
        #expect(comesFirst(user, file))
    }

    @Test func oneKeyOfOneUserIsDeclaredOnce() throws {
        let first = try declaration(.authorizedKey, "a", ["owner": "trader", "key": key])
        let second = try declaration(.authorizedKey, "b", ["owner": "trader", "keys": [key]])
        let other = try declaration(.authorizedKey, "c", ["owner": "root", "key": key])
        #expect(!Set(first.owns).isDisjoint(with: second.owns))
        #expect(Set(first.owns).isDisjoint(with: other.owns))
    }
}

@Suite struct UnitNameTests {
    @Test(arguments: [
        ("ssh", "ssh.service", "ssh", String?.none), ("ssh.socket", "ssh.socket", "ssh", nil),
        ("a.b", "a.b.service", "a.b", nil), ("x@1.2", "x@1.2.service", "x", "x@.service"),
        ("getty@tty1.service", "getty@tty1.service", "getty", "getty@.service"),
        ("x@", "x@.service", "x", nil), ("x@a.timer", "x@a.timer", "x", "x@.timer"),
        ("dev-disk.mount", "dev-disk.mount", "dev-disk", nil),
    ])
    func parts(_ name: String, _ full: String, _ stem: String, _ template: String?) {
        #expect(UnitName.full(name) == full)
        #expect(UnitName.stem(name) == stem)
        #expect(UnitName.template(of: name) == template)
    }
}
