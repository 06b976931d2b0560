import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension MachineTests {
    @Test func cards() throws {
        try phase("cards", .topology) { fleet in try setsCards(fleet) }
    }

    /// What was set is there again after a reboot.
    @Test func cardsKept() throws {
        try phase("cardsKept", .topology) { fleet in
            try setsCards(fleet)
            try keepsCards(fleet)
        }
    }

    /// Cards by real drivers: e1000e, vmxnet3 and virtio; and the one that muster comes in by.
    private func setsCards(_ fleet: MachineFleet) throws {
        let role = """
            description: Network cards.
            resources:
              - nic: 0000:41:00.0
                rings: {rx: 2048, tx: 512}
                coalescing: {rx-usecs: 0}
                pause: {autoneg: false, rx: false, tx: false}
                features: {gro: false, tso: false}
                timestamps: {rx: all, tx: true}
                mtu: 1600
              - nic: 52:54:00:6d:75:03
                rss: {equal: 2}
                rings: {rx: 2048}
              - nic: 52:54:00:6d:75:04
                channels: {combined: 2}
                xps_cpus: "0"
                ntuple: []
              - nic: 52:54:00:6d:75:01
                rings: {rx: 512}
            """
        try fleet.write("Roles/extras/role.yaml", role)
        try fleet.write("Inventory/site.yaml", "- {hosts: all, roles: [{role: extras}]}")
        let carrier = "cat /sys/class/net/enp0s3/carrier_changes"
        let changes = try fleet.onHost(carrier)
        let refused = try fleet.muster("apply", "--yes")
        #expect(refused.status == 1, "\(refused.text)")
        for line in [
            "! nic 52:54:00:6d:75:01   failed: setting rings.rx takes the link down, and muster's own",
            "rings.rx (running) 256 → 2048", "→ equal 2",
            "channels.combined (running) 4 → 2", "Disruption: 3 link_flap.",
        ] {
            #expect(refused.text.contains(line), "\(line)\n\(refused.text)")
        }
        #expect(try fleet.onHost(carrier) == changes, "the link that was refused to flap has")
        try fleet.write(
            "Roles/extras/role.yaml",
            role.replacing("rings: {rx: 512}", with: "coalescing: {rx-usecs: 10}"))
        expect(try fleet.muster("apply", "--yes"), endedWith: 0)
        try cardsAreSet(fleet)
        let again = try fleet.muster("apply", "--yes")
        #expect(again.text.contains("No changes."), "\(again.text)")

    }

    private func keepsCards(_ fleet: MachineFleet) throws {
        let boot = try fleet.kernel("/proc/sys/kernel/random/boot_id")
        _ = try fleet.onHost("systemctl --no-block reboot")
        try fleet.waitForBoot(after: boot)
        #expect(try fleet.stateAfterBoot() == "running\n")
        try cardsAreSet(fleet)
        let check = try fleet.muster("check", "-v")
        #expect(check.status == 0, "\(check.text)")
        #expect(
            try fleet.onHost("cat /run/udev/data/n* | grep -c LINK_FILE=.*90-muster-") == "4\n",
            "udev did not take the .link files")
        let said = try fleet.onHost(
            "for i in /sys/class/net/enp*; do udevadm test-builtin net_setup_link $i 2>&1; done "
                + "| grep 90-muster-")
        #expect(!said.contains("nknown") && !said.contains("ailed"), "\(said)")
    }

    /// By ethtool's own eyes.
    private func cardsAreSet(_ fleet: MachineFleet) throws {
        let rings = try fleet.onHost("ethtool -g enp65s0 | tail -n 12")
        #expect(rings.contains("RX:\t\t2048") && rings.contains("TX:\t\t512"), "\(rings)")
        #expect(try fleet.onHost("ethtool -c enp65s0").contains("rx-usecs: 0"))
        #expect(try fleet.onHost("ethtool -c enp0s3").contains("rx-usecs: 10"))
        let pause = try fleet.onHost("ethtool -a enp65s0")
        #expect(pause.contains("RX:\t\toff") && pause.contains("TX:\t\toff"), "\(pause)")
        let features = try fleet.onHost("ethtool -k enp65s0")
        for line in ["generic-receive-offload: off", "tcp-segmentation-offload: off"] {
            #expect(features.contains(line), "\(features)")
        }
        #expect(try fleet.kernel("/sys/class/net/enp65s0/mtu") == "1600")
        let table = try fleet.onHost("ethtool -x enp0s5 | grep -E '^ +[0-9]+:' | cut -d: -f2-")
        let rows = Set(table.split(whereSeparator: \.isWhitespace))
        #expect(rows == ["0", "1"], "\(table)")
        #expect(try fleet.onHost("ethtool -l enp0s6 | tail -n 2").contains("Combined:\t2"))
        #expect(
            try CPUList(parsingMask: fleet.kernel("/sys/class/net/enp0s6/queues/tx-1/xps_cpus"))
                == CPUList([0]))
    }
}
