import Linux
import TestSupport
import Testing

/// VLANs and a bond on a real kernel, by systemd-networkd: made, changed, lost and made again, put away.
extension MachineTests {
    @Test func networks() throws {
        try phase("networks", .plain) { fleet in try setsUpNetworks(fleet) }
    }

    private func setsUpNetworks(_ fleet: MachineFleet) throws {
        try fleet.write("Inventory/site.yaml", "- {hosts: all, roles: [{role: extras}]}")
        try declare(vlan: 100, fleet)
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.status == 0, "\(apply.text)")
        #expect(
            apply.text.contains("+ network bond0   state (running) absent → bond"), "\(apply.text)")
        let again = try fleet.muster("apply", "--yes", "-v")
        #expect(again.text.contains("No changes."), "\(again.text)")
        #expect(
            again.text.contains(
                "bond active-backup of enp0s5, enp0s6, 10.53.0.2/24; kept by networkd"),
            "\(again.text)")
        try isSo(fleet, vlan: 100)

        // networkd reads a device's file once: another number takes a restart.
        try declare(vlan: 200, fleet)
        expect(try fleet.muster("apply", "--yes"), endedWith: 0)
        try isSo(fleet, vlan: 200)
        _ = try fleet.onHost("ip link del enp65s0.100; ip link del bond0")
        expect(try fleet.muster("check"), endedWith: 2)
        expect(try fleet.muster("apply", "--yes"), endedWith: 0)
        try isSo(fleet, vlan: 200)
        try tunesCardsBelow(fleet)
        try keepsItsLease(fleet)
        try areGone(fleet)
    }

    private func declare(vlan: Int, _ fleet: MachineFleet) throws {
        try fleet.write(
            "Roles/extras/role.yaml",
            """
            description: VLANs and a bond.
            resources:
              - network: enp65s0
                addresses: [10.50.0.2/24]
              - network: enp65s0.100
                vlan: {id: \(vlan), parent: enp65s0}
                addresses: [10.51.0.2/24]
                routes: [{to: 10.52.0.0/16, via: 10.51.0.1}]
              - network: bond0
                bond: {mode: active-backup, members: [enp0s5, enp0s6], primary: enp0s6}
                addresses: [10.53.0.2/24]
              - nic_firmware: enp65s0
                minimum: "0.1"
            """)
    }

    private func isSo(_ fleet: MachineFleet, vlan: Int) throws {
        #expect(try fleet.onHost("head -n 1 /proc/net/vlan/enp65s0.100").contains("VID: \(vlan)\t"))
        let bond = try fleet.onHost("cat /proc/net/bonding/bond0")
        for line in [
            "Bonding Mode: fault-tolerance (active-backup)", "Primary Slave: enp0s6",
            "Slave Interface: enp0s5",
        ] {
            #expect(bond.contains(line), "\(bond)")
        }
        let addresses = try fleet.onHost("ip -o -4 addr show")
        for address in ["10.50.0.2/24", "10.51.0.2/24", "10.53.0.2/24"] {
            #expect(addresses.contains(" \(address) "), "\(addresses)")
        }
        #expect(try fleet.onHost("ip route show 10.52.0.0/16").contains("via 10.51.0.1"))
    }

    /// A bond and a VLAN are tuned by the cards below them.
    private func tunesCardsBelow(_ fleet: MachineFleet) throws {
        func declare(_ bond: String, _ vlan: String) throws {
            try fleet.write(
                "Roles/extras/role.yaml",
                """
                description: Cards by what lies on them.
                resources:
                  - nic: bond0
                    \(bond)
                  - nic: enp65s0.100
                    \(vlan)
                """)
        }
        let files = "ls /etc/systemd/network | grep -c '^90-muster-5254006d750[234].link$' || true"
        try declare("features: {gro: false}", "coalescing: {rx-usecs: 20}")
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.status == 0, "\(apply.text)")
        for card in ["enp0s5", "enp0s6"] {
            #expect(
                try fleet.onHost("ethtool -k \(card)").contains("generic-receive-offload: off"),
                "\(card)")
        }
        #expect(try fleet.onHost("ethtool -c enp65s0").contains("rx-usecs: 20"))
        #expect(try fleet.onHost(files) == "3\n")
        let again = try fleet.muster("apply", "--yes")
        #expect(again.text.contains("No changes."), "\(again.text)")
        try declare("state: absent", "state: absent")
        let absent = try fleet.muster("apply", "--yes")
        #expect(absent.status == 0, "\(absent.text)")
        #expect(try fleet.onHost(files) == "0\n")
    }

    /// The address that muster came to was given by a server, and is not to be had another way.
    private func keepsItsLease(_ fleet: MachineFleet) throws {
        try fleet.write(
            "Roles/extras/role.yaml",
            "description: x\nresources:\n  - network: enp0s3\n    addresses: [10.0.2.99/24]")
        let refused = try fleet.muster("apply", "--yes")
        #expect(refused.status == 1, "\(refused.text)")
        #expect(
            refused.text.contains("muster's own connection uses 10.0.2.15, which would be removed"),
            "\(refused.text)")
    }

    private func areGone(_ fleet: MachineFleet) throws {
        try fleet.write(
            "Roles/extras/role.yaml",
            """
            description: Away with them.
            resources:
              - network: enp65s0.100
                state: absent
              - network: bond0
                state: absent
              - network: enp65s0
                state: absent
            """)
        let absent = try fleet.muster("apply", "--yes")
        #expect(absent.status == 0, "\(absent.text)")
        #expect(
            try fleet.onHost(
                "ls -d /sys/class/net/bond0 /sys/class/net/enp65s0.100 2>&1 | grep -c 'No such'")
                == "2\n")
        #expect(try fleet.onHost("ls /etc/systemd/network | grep -c '^05-muster-.*[kv]$'") == "0\n")
    }
}
