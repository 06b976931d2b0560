import FleetModel
import Glibc
import Linux
import TestSupport
import Testing

/// Addresses and routes by the real systemd-networkd and the real ifupdown, on a pair of links that the
/// lab host makes; and the link that muster comes in by, which it must not lose.
@Suite("Networks of a real host", .serialized, .timeLimit(.minutes(10)))
struct NetworkTests {
    private let declared = """
          addresses: [10.99.0.2/24, 10.99.0.3/24, "fd99::2/64"]
          gateways: ["fd99::1"]
          routes:
            - {to: 10.98.0.0/16, via: 10.99.0.1, metric: 50}
            - {to: 10.97.1.0/24}
          mtu: 1400
        """

    @Test func areKeptByEitherManager() throws {
        let lab = try LabScript(name: "tn\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "1"]).succeeded)
        let fleet = try LabFleet("network", on: lab)
        expect(try fleet.muster("ping", "--accept-new"), endedWith: 0)
        _ = try fleet.onHost("ip link add v0 type veth peer name v1 && ip link set v1 up")
        try declare("- network: v0\n\(declared)", fleet)
        let none = try fleet.muster("apply", "--yes")
        #expect(none.status == 1, "\(none.text)")
        #expect(
            none.text.contains("systemd-networkd does not run here, and ifupdown is not installed"),
            "\(none.text)")

        _ = try fleet.onHost("systemctl start systemd-networkd")
        try isSetUp(fleet)
        try isMended(fleet)
        _ = try fleet.onHost("systemctl restart systemd-networkd; ip addr flush dev v0; sleep 1")
        expect(try fleet.muster("apply", "--yes"), endedWith: 0)
        try keepsItsOwnLink(fleet)
        try isPutAway(fleet)

        // The other way of keeping it.
        let package = try LocalMachine().read(
            "\(Repository.root)/.cache/ifupdown/ifupdown.deb", limit: 1 << 22)
        let installed = try ProcessRunner.run(
            ProgramCall(
                "\(Repository.root)/Scripts/lab",
                [
                    "exec", "--name", lab.name, "\(lab.name)-1", "--", "sh", "-c",
                    "cat >/tmp/ifupdown.deb && dpkg --install /tmp/ifupdown.deb && "
                        + "systemctl stop systemd-networkd.socket systemd-networkd && "
                        + "rm /etc/systemd/network/05-muster-eth0.network && ip addr del 10.99.1.1/24 dev eth0 && "
                        + "ip addr flush dev v0 && ip link set v0 down mtu 1500",
                ], input: package))
        try #require(installed.succeeded, "\(installed.errorText)")
        try declare("- network: v0\n\(declared)", fleet)
        try isSetUp(fleet)
        // The stanza alone makes the same.
        _ = try fleet.onHost("ifdown v0 && ifup v0")
        expect(try fleet.muster("check"), endedWith: 0)
        try isMended(fleet)
        try keepsItsOwnLink(fleet)
        try isPutAway(fleet)
    }

    private func declare(_ resources: String, _ fleet: LabFleet) throws {
        let text =
            "description: A network.\nresources:\n"
            + resources.split(separator: "\n").map { "  \($0)\n" }.joined()
        try LocalMachine().replaceFile(
            fleet.folder.path("fleet/Roles/network/role.yaml"), content: Array(text.utf8),
            mode: 0o644, uid: 0, gid: 0)
    }

    private func isSetUp(_ fleet: LabFleet) throws {
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.status == 0, "\(apply.text)")
        let again = try fleet.muster("apply", "--yes", "-v")
        #expect(
            again.text.contains(
                "no change: 10.99.0.2/24, 10.99.0.3/24, fd99::2/64, 3 routes; kept by "),
            "\(again.text)")
        try isSo(fleet)
    }

    private func isSo(_ fleet: LabFleet) throws {
        let addresses = try fleet.onHost("ip -o addr show dev v0")
        for address in ["10.99.0.2/24", "10.99.0.3/24", "fd99::2/64"] {
            #expect(addresses.contains(" \(address) "), "\(addresses)")
        }
        let routes = try fleet.onHost("ip route show dev v0; ip -6 route show dev v0")
        for route in ["10.98.0.0/16 via 10.99.0.1 ", "10.97.1.0/24 ", "default via fd99::1 "] {
            #expect(routes.contains(route), "\(routes)")
        }
        #expect(try fleet.onHost("cat /sys/class/net/v0/mtu") == "1400\n")
    }

    private func isMended(_ fleet: LabFleet) throws {
        _ = try fleet.onHost(
            "ip addr add 10.5.5.5/32 dev v0; ip addr del 10.99.0.3/24 dev v0; "
                + "ip route add 10.44.0.0/16 via 10.99.0.1 dev v0; "
                + "ip route add 10.45.0.0/16 via 10.99.0.1 dev v0 proto bird")
        let check = try fleet.muster("check")
        #expect(check.status == 2, "\(check.text)")
        for found in ["10.5.5.5/32", "10.44.0.0/16 via 10.99.0.1"] {
            #expect(check.text.contains(found), "\(check.text)")
        }
        #expect(!check.text.contains("10.45.0.0"), "a routing daemon's route is its own")
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.status == 0, "\(apply.text)")
        #expect(try !fleet.onHost("ip addr show dev v0").contains("10.5.5.5"))
        try isSo(fleet)
    }

    /// Nothing that would lose the host is done, and what would not is.
    private func keepsItsOwnLink(_ fleet: LabFleet) throws {
        let own = try fleet.onHost("ip -o -4 addr show dev eth0 | tr -s ' ' | cut -d' ' -f4")
            .filter { $0 != "\n" }
        let gateway = try fleet.onHost("ip route show default | cut -d' ' -f3").filter {
            $0 != "\n"
        }
        let address = String(own.prefix { $0 != "/" })
        for (resources, reason) in [
            (
                "addresses: [10.99.1.1/24]",
                "muster's own connection uses \(address), which would be removed"
            ),
            ("addresses: [\(address)/32]", "no route would lead to "),
            ("state: absent", "nothing would configure it any more"),
        ] {
            try declare("- network: eth0\n  \(resources)", fleet)
            let refused = try fleet.muster("apply", "--yes")
            // With nothing kept yet there is nothing to take away.
            if resources.hasPrefix("state"), refused.status == 0 { continue }
            #expect(refused.status == 1 && refused.text.contains(reason), "\(refused.text)")
        }
        try declare(
            "- network: eth0\n  addresses: [\(own), 10.99.1.1/24]\n  gateways: [\(gateway)]", fleet)
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.status == 0, "\(apply.text)")
        #expect(try fleet.onHost("ip addr show dev eth0").contains("10.99.1.1/24"))
        expect(try fleet.muster("check"), endedWith: 0)
        try declare("- network: eth0\n  state: absent", fleet)
        let absent = try fleet.muster("apply", "--yes")
        #expect(absent.text.contains("nothing would configure it any more"), "\(absent.text)")
    }

    private func isPutAway(_ fleet: LabFleet) throws {
        try declare("- network: v0\n  state: absent", fleet)
        let absent = try fleet.muster("apply", "--yes")
        #expect(absent.status == 0, "\(absent.text)")
        #expect(
            try fleet.onHost(
                "ls /etc/systemd/network /etc/network/interfaces.d 2>/dev/null | grep muster-v0")
                == "")
    }
}
